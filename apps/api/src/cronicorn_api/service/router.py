"""Routes for whoever runs the service: does it live, is it ready."""

import asyncio
from typing import Final, Literal

from cronicorn_domain.errors import StoreError
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_management.desk import Desk
from fastapi import APIRouter, Response

from cronicorn_api.access.desks import TheDesk
from cronicorn_api.wire.values import Instant, Wire

router: Final = APIRouter(tags=["service"])
_PATIENCE: Final = 2.0


class ServiceBody(Wire):
    """How the service is."""

    status: Literal["ok", "degraded"]
    db: Literal["connected", "disconnected"]
    timestamp: Instant


class LiveBody(Wire):
    """That it lives."""

    status: Literal["ok"] = "ok"


@router.get("/health", operation_id="health", responses={503: {"model": ServiceBody}})
async def health(desk: TheDesk, response: Response) -> ServiceBody:
    """Tell how the service is; 503 when its database cannot be reached."""
    reached = await _reaches(desk)
    response.status_code = 200 if reached else 503
    return ServiceBody(
        status="ok" if reached else "degraded",
        db="connected" if reached else "disconnected",
        timestamp=desk.clock.now(),
    )


@router.get("/health/live", operation_id="live")
async def live() -> LiveBody:
    """Tell that the process answers, whatever becomes of its database."""
    return LiveBody()


@router.get("/health/ready", operation_id="ready", responses={503: {"model": ServiceBody}})
async def ready(desk: TheDesk, response: Response) -> ServiceBody:
    """Tell whether requests can be served."""
    return await health(desk, response)


async def _reaches(desk: Desk) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE), desk.units.begin() as unit:
            await unit.catalog.list_jobs(DEFAULT_TENANT, limit=1)
    except (StoreError, TimeoutError):
        return False
    return True
