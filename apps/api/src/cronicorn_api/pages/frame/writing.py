"""Writes pages: plain HTML that brings nothing from elsewhere, and runs only what is ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from cronicorn_api.pages.frame.assets import asset
from cronicorn_api.pages.frame.look import Look, Theme, Times, look_of
from cronicorn_api.pages.frame.shapes import bytes_of, count, exact, interval, length

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_SECURITY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie, HX-Request",
}


class LiveForm:
    """The attributes of a form that is sent without loading its page anew."""

    def __html__(self) -> str:
        """Write them; without scripts they mean nothing."""
        return (
            'hx-boost="true" hx-target="#main" hx-select="#main"'
            ' hx-swap="outerMorph" hx-sync="this:drop" hx-disable="findAll button[type=submit]"'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What every page is written on: how it is to look, and where it is."""

    look: Look
    path: str
    query: str = ""

    @property
    def here(self) -> str:
        """The address of the page, from its site on."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def themes(self) -> list[tuple[str, str, bool]]:
        """Every theme with its word, and whether it is the chosen one."""
        return [(each.value, each.value.capitalize(), each is self.look.theme) for each in Theme]

    @property
    def times(self) -> list[tuple[str, str, bool]]:
        """Every way to tell times with its word, and whether it is the chosen one."""
        words = {Times.LOCAL: "Local", Times.ENDPOINT: "Endpoint", Times.UTC: "UTC"}
        return [(each.value, word, each is self.look.times) for each, word in words.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A template with what stands in it."""

    name: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self) -> str:
        """Write it; what it is given stands in it as text, whatever it holds."""
        return _TEMPLATES.get_template(f"{self.name}.html").render(self.values)


def compile_templates() -> None:
    """Compile all of them, so that nobody who asks for a page first waits for it."""
    for name in _TEMPLATES.list_templates(extensions=["html"]):
        _TEMPLATES.get_template(name)


def sheet_of(request: Request) -> Sheet:
    """Return what a page of a request is written on."""
    return Sheet(look=look_of(request.cookies), path=request.url.path, query=str(request.url.query))


def page(request: Request, name: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Write a whole page for somebody who need not be signed in."""
    written = Written(name=name, values={"sheet": sheet_of(request), **values})
    return answer(request, written.text(), status=status)


def answer(request: Request, text: str, *, status: int = 200) -> HTMLResponse:
    """Answer with a page that is written; the browser's address follows where it was led."""
    headers = dict(_SECURITY)
    if is_fetched(request):
        here, there = sheet_of(request).here, request.headers.get("hx-current-url", "")
        moves = request.method == "GET" and not there.endswith(here)
        headers["HX-Push-Url"] = here if moves else "false"
    return HTMLResponse(text, status_code=status, headers=headers)


def part(request: Request, text: str) -> Response:
    """Answer with a part of a page, or with nothing when it is as the browser has it."""
    tag = f'"{sha256(text.encode()).hexdigest()[:24]}"'
    headers = {**_SECURITY, "ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(text, headers=headers)


def is_fetched(request: Request) -> bool:
    """Say whether a script of ours asks, and not the browser for a page."""
    return request.headers.get("hx-request") == "true" or request.url.path.startswith("/_/")


_TEMPLATES: Final = Environment(
    loader=PackageLoader("cronicorn_api.pages"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals.update(asset=asset, live_form=LiveForm())
_TEMPLATES.filters.update(
    length=length, count=count, exact=exact, interval=interval, bytes_of=bytes_of, size=len
)
