"""Routes of settings, section by section."""

from typing import Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.settings import (
    alerts,
    audit,
    devices,
    keys,
    profile,
    signing,
    system,
    usage,
)

router: Final = pages_router()
_SEE_OTHER: Final = 303


@router.get("/settings")
async def settings(viewer: TheViewer) -> Response:
    """Lead to the first of the settings."""
    del viewer
    return RedirectResponse("/settings/profile", _SEE_OTHER)


for _section in (profile, keys, devices, signing, usage, alerts, audit, system):
    router.include_router(_section.router)
