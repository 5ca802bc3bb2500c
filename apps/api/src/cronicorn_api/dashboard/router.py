"""Routes of the dashboard: the tenant at a glance, and what happened lately."""

from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.decision import Source
from cronicorn_management.dashboard.events import list_events
from cronicorn_management.dashboard.stats import ENDPOINTS_MOST, ENDPOINTS_USUAL, read_stats
from cronicorn_management.dashboard.windows import window_of
from cronicorn_management.pages import OFFSET_MOST
from fastapi import APIRouter, Query

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.dashboard.days import GivenDay
from cronicorn_api.dashboard.presenters import activity_body, stats_body
from cronicorn_api.dashboard.schemas import ActivityBody, EventType, StatsBody
from cronicorn_api.wire.identities import cursor_of, identity
from cronicorn_api.wire.refusing import members_named

router: Final = APIRouter(prefix="/dashboard", tags=["dashboard"])
_EVENTS_MOST: Final = 100
_EVENTS_USUAL: Final = 50
_NAMES: Final = {"start": "startDate", "end": "endDate", "limit": "endpointLimit"}
Start = Annotated[GivenDay | None, Query(alias="startDate")]
End = Annotated[GivenDay | None, Query(alias="endDate")]
OfJob = Annotated[str | None, Query(alias="jobId")]


@router.get("/stats", operation_id="getDashboardStats")
async def stats(
    *,
    desk: TheDesk,
    caller: TheCaller,
    start: Start = None,
    end: End = None,
    job: OfJob = None,
    source: Source | None = None,
    endpoints: Annotated[
        int, Query(alias="endpointLimit", ge=1, le=ENDPOINTS_MOST)
    ] = ENDPOINTS_USUAL,
    timezone: str = "UTC",
) -> StatsBody:
    """Read the tenant at a glance: the last seven days, unless others are given."""
    with members_named(_NAMES):
        async with desk.reading(caller) as work:
            window = window_of(start, end, timezone=timezone, now=work.now)
            job_id = _job(job)
            found = await read_stats(
                work, window, job_id=job_id, source=source, endpoints=endpoints
            )
    return stats_body(found)


@router.get("/activity", operation_id="getDashboardActivity")
async def activity(
    *,
    desk: TheDesk,
    caller: TheCaller,
    start: Start = None,
    end: End = None,
    job: OfJob = None,
    event_type: Annotated[EventType, Query(alias="eventType")] = EventType.ALL,
    limit: Annotated[int, Query(ge=1, le=_EVENTS_MOST)] = _EVENTS_USUAL,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MOST)] = 0,
    cursor: str | None = None,
    timezone: str = "UTC",
) -> ActivityBody:
    """List what happened, the newest first, with the sum of the whole window."""
    with members_named({"start": "startDate", "end": "endDate"}):
        async with desk.reading(caller) as work:
            window = window_of(start, end, timezone=timezone, now=work.now)
            found = await list_events(
                work,
                window,
                job_id=_job(job),
                runs=event_type is not EventType.SESSIONS,
                sessions=event_type is not EventType.RUNS,
                limit=limit,
                offset=offset,
                before=cursor_of(cursor, _as_it_is),
            )
    return activity_body(found)


def _job(text: str | None) -> JobId | None:
    return None if text is None else identity("job", text, JobId)


def _as_it_is(event_id: UUID) -> UUID:
    """A cursor may be a run's id or a session's."""
    return event_id
