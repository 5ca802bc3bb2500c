"""Routes of settings."""

from typing import Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer

router: Final = pages_router()
_SEE_OTHER: Final = 303


@router.get("/settings")
async def settings(viewer: TheViewer) -> Response:
    """Lead to the first of the settings."""
    del viewer
    return RedirectResponse("/settings/profile", _SEE_OTHER)


@router.get("/settings/profile")
async def profile(viewer: TheViewer) -> Response:
    """Tell who is signed in."""
    return viewer.page("settings/profile")
