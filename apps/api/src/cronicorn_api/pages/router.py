"""All pages for people, area by area."""

from typing import Final

from fastapi import APIRouter

from cronicorn_api.pages.bulk import router as bulk
from cronicorn_api.pages.devices import router as devices
from cronicorn_api.pages.editing import router as editing
from cronicorn_api.pages.endpoint import deeds as endpoint_deeds
from cronicorn_api.pages.endpoint import router as endpoint
from cronicorn_api.pages.endpoints import router as endpoints
from cronicorn_api.pages.frame import assets
from cronicorn_api.pages.frame import router as frame
from cronicorn_api.pages.history import router as history
from cronicorn_api.pages.jobs import router as jobs
from cronicorn_api.pages.live import router as live
from cronicorn_api.pages.now import router as now
from cronicorn_api.pages.rules import router as rules
from cronicorn_api.pages.runs import router as runs
from cronicorn_api.pages.sessions import router as sessions
from cronicorn_api.pages.settings import router as settings
from cronicorn_api.pages.setup import router as setup
from cronicorn_api.pages.sign_in import router as sign_in
from cronicorn_api.pages.statistics import router as statistics

_AREAS: Final[tuple[APIRouter, ...]] = (
    assets.router,
    frame.router,
    sign_in.router,
    setup.router,
    devices.router,
    live.router,
    settings.router,
    now.router,
    editing.router,  # before what has an id where it has a word
    endpoints.router,
    bulk.router,
    endpoint.router,
    endpoint_deeds.router,
    history.router,
    runs.router,
    statistics.router,
    sessions.router,
    jobs.router,
    rules.router,
)
router: Final = APIRouter(include_in_schema=False)
for _area in _AREAS:
    router.include_router(_area)
