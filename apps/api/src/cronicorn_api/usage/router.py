"""Routes of plans: which one a tenant has, and how much of it is used."""

from typing import Final

from cronicorn_management.usage.reading import read_usage
from fastapi import APIRouter

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.usage.schemas import SubscriptionStatusBody, UsageBody

UNLIMITED: Final = 1_000_000_000
"""What is told where there is no quota: clients expect a number."""
router: Final = APIRouter(prefix="/subscriptions", tags=["usage"])


@router.get("/status", operation_id="getSubscriptionStatus")
async def status(desk: TheDesk, caller: TheCaller) -> SubscriptionStatusBody:
    """Read which plan the tenant has."""
    async with desk.reading(caller) as work:
        return SubscriptionStatusBody(tier=work.allowance.name, status=None, ends_at=None)


@router.get("/usage", operation_id="getUsage")
async def usage(desk: TheDesk, caller: TheCaller) -> UsageBody:
    """Read how much of its plan the tenant has used."""
    async with desk.reading(caller) as work:
        used = await read_usage(work)
    return UsageBody(
        ai_calls_used=used.tokens,
        ai_calls_limit=_most(used.tokens_limit),
        endpoints_used=used.endpoints,
        endpoints_limit=used.allowance.endpoints,
        total_runs=used.runs,
        total_runs_limit=_most(used.runs_limit),
    )


def _most(limit: int | None) -> int:
    return UNLIMITED if limit is None else limit
