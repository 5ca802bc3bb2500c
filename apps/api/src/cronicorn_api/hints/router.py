"""Routes of hints."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import HintId
from cronicorn_management.hints.clearing import clear_hint, clear_hints
from cronicorn_management.hints.listing import list_hints
from cronicorn_management.hints.offering import offer_interval, offer_oneshot
from cronicorn_management.pages import PAGE_MOST, PAGE_USUAL
from fastapi import APIRouter, Query

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.hints.presenters import hint_list
from cronicorn_api.hints.schemas import HintList, IntervalHintGiven, OneShotHintGiven
from cronicorn_api.wire.identities import PathEndpoint, PathHint, cursor_of
from cronicorn_api.wire.refusing import members_named
from cronicorn_api.wire.values import GivenInstant, length_of

router: Final = APIRouter(prefix="/endpoints/{endpointId}/hints", tags=["hints"])
_WIRE_NAMES: Final = {
    "interval": "intervalMs",
    "next_run_at": "nextRunAt",
    "ttl": "ttlMinutes",
}


@router.post("/interval", status_code=204, operation_id="hintInterval")
async def hint_interval(
    desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint, given: IntervalHintGiven
) -> None:
    """Propose another interval for a while."""
    with members_named(_WIRE_NAMES):
        async with desk.changing(caller) as work:
            await offer_interval(
                work,
                endpoint_id,
                every=length_of(given.interval_ms),
                life=timedelta(minutes=given.ttl_minutes),
                reason=given.reason,
            )


@router.post("/oneshot", status_code=204, operation_id="hintOneShot")
async def hint_oneshot(
    desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint, given: OneShotHintGiven
) -> None:
    """Propose one run, at an instant or so long from now."""
    with members_named(_WIRE_NAMES):
        async with desk.changing(caller) as work:
            await offer_oneshot(
                work,
                endpoint_id,
                at=_asked(given),
                life=timedelta(minutes=given.ttl_minutes),
                reason=given.reason,
            )


@router.get("", operation_id="listHints")
async def list_all(
    *,
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    since: GivenInstant | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_USUAL,
    cursor: str | None = None,
) -> HintList:
    """List hints with how each ended, the newest first."""
    async with desk.reading(caller) as work:
        before = cursor_of(cursor, HintId)
        page = await list_hints(work, endpoint_id, since=since, limit=limit, before=before)
    return hint_list(page)


@router.delete("", status_code=204, operation_id="clearHints")
async def clear_all(desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint) -> None:
    """End all active hints."""
    async with desk.changing(caller) as work:
        await clear_hints(work, endpoint_id)


@router.delete("/{hintId}", status_code=204, operation_id="clearHint")
async def clear_one(
    desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint, hint_id: PathHint
) -> None:
    """End one hint."""
    async with desk.changing(caller) as work:
        await clear_hint(work, endpoint_id, hint_id)


def _asked(given: OneShotHintGiven) -> datetime | timedelta:
    at, after = given.next_run_at, given.next_run_in_ms
    if (at is None) == (after is None):
        raise InvalidInput(
            "it is not clear when to run",
            field="next_run_at",
            remedy="give one of nextRunAt and nextRunInMs",
        )
    return length_of(after) if after is not None else _known(at)


def _known(at: datetime | None) -> datetime:
    assert at is not None, "one of both is there"
    return at
