"""Styles, scripts and pictures, under names that change with what is in them."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter, Request, Response

router: Final = APIRouter(include_in_schema=False)
_ROOT: Final = files("cronicorn_api.pages")
_FOREVER: Final = "public, max-age=31536000, immutable"
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Something that a page brings with it."""

    path: str
    media_type: str
    body: bytes
    compressed: bytes


@cache
def assets() -> dict[str, Asset]:
    """Read all of them, each by its plain name; what has several files is joined by their names."""
    style, script = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
    made = (
        _asset("dashboard.css", style, _within("styles", ".css")),
        _asset("dashboard.js", script, _within("scripts", ".js")),
        _asset("htmx.js", script, _vendored("htmx", "htmx.min.js")),
        _asset("uplot.js", script, _vendored("uplot", "uPlot.iife.min.js")),
        _asset("uplot.css", style, _vendored("uplot", "uPlot.min.css")),
        *(
            _asset(f"{name}.svg", "image/svg+xml", [_ROOT / "pictures" / f"{name}.svg"])
            for name in ("icon", "icon-failing")
        ),
    )
    return {_plain(each): each for each in made}


def asset(name: str) -> str:
    """Give the path under which an asset is served."""
    return assets()[name].path


@router.get("/assets/{name}")
async def serve(request: Request, name: str) -> Response:
    """Give an asset; under its name there is never anything else."""
    found = _by_path().get(f"/assets/{name}")
    if found is None:
        return Response("There is no such asset.\n", 404, media_type="text/plain")
    headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.compressed, headers=headers, media_type=found.media_type)
    return Response(found.body, headers=headers, media_type=found.media_type)


@router.get("/favicon.ico")
async def icon() -> Response:
    """Give the picture that browsers ask for of themselves."""
    found = assets()["icon.svg"]
    return Response(found.body, media_type=found.media_type)


@cache
def _by_path() -> dict[str, Asset]:
    return {each.path: each for each in assets().values()}


def _asset(name: str, media_type: str, parts: Iterable[Traversable]) -> Asset:
    body = b"\n".join(each.read_bytes() for each in parts)
    stem, _, ending = name.rpartition(".")
    digest = sha256(body).hexdigest()[:_DIGITS]
    return Asset(
        path=f"/assets/{stem}.{digest}.{ending}",
        media_type=media_type,
        body=body,
        compressed=gzip.compress(body, mtime=0),
    )


def _plain(of: Asset) -> str:
    stem, _, ending = of.path.removeprefix("/assets/").split(".")
    return f"{stem}.{ending}"


def _within(folder: str, ending: str) -> list[Traversable]:
    found = [each for each in (_ROOT / folder).iterdir() if each.name.endswith(ending)]
    return sorted(found, key=lambda each: each.name)


def _vendored(folder: str, name: str) -> list[Traversable]:
    return [_ROOT / "vendored" / folder / name]
