"""Now: what needs somebody, what runs and what is next."""

from typing import Final

from cronicorn_management.dashboard.moment import Now, read_now
from fastapi import Response

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.now.views import needs_of, now_view

router: Final = pages_router()


@router.get("/")
async def now(viewer: TheViewer) -> Response:
    """Tell of this moment."""
    return viewer.page("now/page", view=now_view(await _now(viewer), viewer.zones))


@router.get("/_/now/needs")
async def needs(viewer: TheViewer) -> Response:
    """Tell what needs somebody by now."""
    return viewer.fragment("now/_needs", view=needs_of(await _now(viewer), viewer.zones))


@router.get("/_/now/sentence")
async def sentence(viewer: TheViewer) -> Response:
    """Say where all of them stand by now."""
    return viewer.fragment("now/_sentence", view=needs_of(await _now(viewer), viewer.zones))


@router.get("/_/now/figures")
async def figures(viewer: TheViewer) -> Response:
    """Tell what was and is to come by now."""
    return viewer.fragment("now/_figures", view=now_view(await _now(viewer), viewer.zones))


async def _now(viewer: Viewer) -> Now:
    async def read() -> Now:
        async with viewer.desk.reading(viewer.caller) as work:
            return await read_now(work)

    return await viewer.shared("now", read, sparing=True)
