"""Routes of the history: runs, slots, health, and who did what."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import AuditId, RunId
from cronicorn_domain.model.run import RunStatus
from cronicorn_management.history.audit import list_audit
from cronicorn_management.history.health import WINDOWS, read_health
from cronicorn_management.history.runs import count_runs, list_runs, read_run
from cronicorn_management.history.slots import list_slots
from cronicorn_management.pages import OFFSET_MOST, PAGE_MOST, PAGE_USUAL
from fastapi import APIRouter, Query

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.history.presenters import deed_list, health_body, run_body, run_list, slot_list
from cronicorn_api.history.schemas import DeedList, HealthBody, RunBody, RunList, SlotList
from cronicorn_api.wire.identities import PathEndpoint, PathRun, cursor_of
from cronicorn_api.wire.refusing import members_named, shown
from cronicorn_api.wire.values import GivenInstant

router: Final = APIRouter(tags=["history"])
HOURS_MOST = 800 * 24
Limit = Annotated[int, Query(ge=1, le=PAGE_MOST)]
Offset = Annotated[int, Query(ge=0, le=OFFSET_MOST)]


@router.get("/endpoints/{endpointId}/runs", operation_id="listRuns")
async def runs(
    *,
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    status: RunStatus | None = None,
    since: GivenInstant | None = None,
    until: GivenInstant | None = None,
    limit: Limit = PAGE_USUAL,
    offset: Offset = 0,
    cursor: str | None = None,
) -> RunList:
    """List the runs that are kept, the newest slot first, and tell how many there are."""
    async with desk.reading(caller) as work:
        page = await list_runs(
            work,
            endpoint_id,
            status=status,
            since=since,
            until=until,
            limit=limit,
            offset=offset,
            before=cursor_of(cursor, RunId),
        )
        total = await count_runs(work, endpoint_id, status=status, since=since, until=until)
    return run_list(page, total)


@router.get("/runs/{runId}", operation_id="getRun")
async def run(desk: TheDesk, caller: TheCaller, run_id: PathRun) -> RunBody:
    """Read a run."""
    async with desk.reading(caller) as work:
        return run_body(await read_run(work, run_id))


@router.get("/endpoints/{endpointId}/slots", operation_id="listSlots")
async def slots(
    *,
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    since: GivenInstant | None = None,
    until: GivenInstant | None = None,
    limit: Limit = PAGE_USUAL,
    cursor: GivenInstant | None = None,
) -> SlotList:
    """List the slots that have come with what became of each, the newest first."""
    async with desk.reading(caller) as work:
        page = await list_slots(
            work, endpoint_id, since=since, until=until, limit=limit, before=cursor
        )
    return slot_list(page)


@router.get("/endpoints/{endpointId}/health", operation_id="getHealth")
async def health(
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    since_hours: Annotated[int, Query(alias="sinceHours", ge=1, le=HOURS_MOST)] = 24,
) -> HealthBody:
    """Read what came of an endpoint's runs."""
    asked = timedelta(hours=since_hours)
    with members_named({"since_hours": "sinceHours"}):
        async with desk.reading(caller) as work:
            found = await read_health(work, endpoint_id, [*WINDOWS, asked])
    return health_body(found[asked], found)


@router.get("/audit", operation_id="listAudit")
async def audit(
    *,
    desk: TheDesk,
    caller: TheCaller,
    since: GivenInstant | None = None,
    actor: str | None = None,
    subject: str | None = None,
    limit: Limit = PAGE_USUAL,
    cursor: str | None = None,
) -> DeedList:
    """List who did what, the newest first."""
    async with desk.reading(caller) as work:
        page = await list_audit(
            work,
            since=since,
            actor=actor,
            subject=_subject(subject),
            limit=limit,
            before=cursor_of(cursor, AuditId),
        )
    return deed_list(page)


def _subject(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            f"this is no id; found {shown(text)}",
            field="subject",
            remedy="give a job's, endpoint's or key's id",
        ) from None
