"""The application: its routes, and how it answers what it refuses."""

from functools import cached_property
from typing import Any, Final

from cronicorn_domain.model.rate import Rate
from cronicorn_management.desk import Desk
from cronicorn_management.watching import Watch
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware

from cronicorn_api.access import device_flow, devices, keys, sign_in
from cronicorn_api.access.keys import NEXT_CURSOR
from cronicorn_api.access.once import AnswerKeeper, Repeated, answer_again
from cronicorn_api.access.rates import PER_ADDRESS, AddressRate
from cronicorn_api.access.site import Site
from cronicorn_api.alerts import router as alerts
from cronicorn_api.dashboard import router as dashboard
from cronicorn_api.endpoints import bulk, interventions
from cronicorn_api.endpoints import router as endpoints
from cronicorn_api.events import router as events
from cronicorn_api.hints import router as hints
from cronicorn_api.history import router as history
from cronicorn_api.jobs import router as jobs
from cronicorn_api.metering import router as metering
from cronicorn_api.metering.instruments import Instruments
from cronicorn_api.metering.metered import Metered
from cronicorn_api.pages import router as pages
from cronicorn_api.pages.frame.routing import tell_in_pages
from cronicorn_api.pages.frame.sharing import Shared
from cronicorn_api.pages.live.router import Streams
from cronicorn_api.reference import router as reference
from cronicorn_api.reference.document import completed
from cronicorn_api.reference.page import reference_page
from cronicorn_api.service import router as service
from cronicorn_api.sessions import router as sessions
from cronicorn_api.signing import router as signing
from cronicorn_api.trials import router as trials
from cronicorn_api.usage import router as usage
from cronicorn_api.wire.body_limit import BodyLimit
from cronicorn_api.wire.errors import DOCUMENTED
from cronicorn_api.wire.head_limit import HeadLimit
from cronicorn_api.wire.head_requests import HeadRequests
from cronicorn_api.wire.refusing import refuse_with

BASE: Final = "/api"
BODY_MOST: Final = 2 * 1024 * 1024
"""An endpoint's body may have a megabyte, and JSON in JSON grows."""
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": model} for status, model in DOCUMENTED.items()
}
_RESOURCES: Final[tuple[APIRouter, ...]] = (
    jobs.router,
    endpoints.router,
    interventions.router,
    bulk.router,
    hints.router,
    history.router,
    dashboard.router,
    usage.router,
    events.router,
    sessions.router,
    trials.router,
    keys.router,
    devices.router,
    device_flow.router,
    sign_in.router,
    signing.router,
    alerts.router,
)


class Application(FastAPI):
    """Tells in its document also what goes around its routes."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, which is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema

    @cached_property
    def document(self) -> bytes:
        """The document as it is sent: anybody may ask for it, and it takes long to write."""
        return bytes(JSONResponse(self.openapi()).body)

    @cached_property
    def reference(self) -> str:
        """The page that shows it."""
        return reference_page(self.openapi())


def application(
    desk: Desk,
    site: Site | None = None,
    *,
    per_address: Rate = PER_ADDRESS,
    instruments: Instruments | None = None,
) -> FastAPI:
    """
    Build the application over a desk; browsers find it where requests name it, or at a site.

    Each address may ask it so often; what it counts is among the ``instruments``.
    """
    app = Application(
        title="Cronicorn",
        version="0.1.0",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.state.desk = desk
    app.state.site = site or Site()
    app.state.instruments = instruments or Instruments()
    app.state.watch = Watch(desk)
    app.state.streams = Streams()
    app.state.shared = Shared(app.state.watch, desk)
    app.add_middleware(HeadRequests)
    app.add_middleware(AnswerKeeper)
    app.add_middleware(BodyLimit, most=BODY_MOST)
    app.add_middleware(AddressRate, rate=per_address)
    if app.state.site.friends:
        app.add_middleware(CORSMiddleware, **_letting_in(app.state.site))
    app.add_middleware(HeadLimit)
    app.add_middleware(Metered, instruments=app.state.instruments)
    refuse_with(app)
    tell_in_pages(app)

    @app.exception_handler(Repeated)
    async def _repeated(_: Request, repeated: Repeated) -> Response:
        return answer_again(repeated)

    for resource in _RESOURCES:
        app.include_router(resource, prefix=BASE, responses=_ANSWERS)
    app.include_router(sign_in.public, prefix=BASE)
    app.include_router(metering.router, prefix=BASE, responses=_ANSWERS)
    app.include_router(metering.router, include_in_schema=False)
    app.include_router(reference.router, prefix=BASE)
    app.include_router(device_flow.public, prefix=BASE)
    app.include_router(pages.router)
    app.include_router(service.router, prefix=BASE)
    app.include_router(service.router, include_in_schema=False)
    return app


def _letting_in(site: Site) -> dict[str, Any]:
    """Say what pages of friends may ask, and see of the answers."""
    return {
        "allow_origins": sorted(site.friends),
        "allow_credentials": True,
        "allow_methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        "allow_headers": ["Authorization", "Content-Type", "Idempotency-Key", "X-Api-Key"],
        "expose_headers": [
            "Idempotency-Replayed",
            "Retry-After",
            NEXT_CURSOR,
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "X-Request-Id",
        ],
    }
