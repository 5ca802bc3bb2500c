"""Writes pages: plain HTML that brings nothing from elsewhere, and runs nothing."""

from collections.abc import Mapping
from typing import Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_TEMPLATES: Final = Environment(
    loader=PackageLoader("cronicorn_api.pages"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(name: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Write a page of that name; what it is given stands in it as text, whatever it holds."""
    text = _TEMPLATES.get_template(f"{name}.html").render(values)
    headers: Mapping[str, str] = {"Content-Security-Policy": _POLICY}
    return HTMLResponse(text, status_code=status, headers=headers)
