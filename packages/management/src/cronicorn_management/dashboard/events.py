"""List what happened lately: runs and sessions together, the newest first."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from uuid import UUID

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import JobId, RunId, SessionId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.session import NamedSession
from cronicorn_domain.ports.overview import NamedRun, Selection, Tally
from cronicorn_domain.ports.session_log import SessionSelection

from cronicorn_management.dashboard.windows import Window
from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, check_limit, check_offset

Event = NamedRun | NamedSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """
    A page of what happened, and the sum of the whole window.

    Attributes:
        events: The page: runs by their slots, sessions by their beginnings.
        more: Whether there are events behind it.
        total: How many of the window are kept.
        sessions: How many sessions the window has.
        summary: What was settled in the window, pruned runs included and test runs not.
    """

    events: Sequence[Event]
    more: bool
    total: int
    sessions: int
    summary: Tally


async def list_events(
    work: Reading,
    window: Window,
    *,
    job_id: JobId | None = None,
    runs: bool = True,
    sessions: bool = True,
    limit: int = PAGE_USUAL,
    offset: int = 0,
    before: UUID | None = None,
) -> Events:
    """
    Return what happened in a window, behind the run or session ``before``.

    ``offset`` of them are passed over. Raises ``InvalidInput``, and ``NotFound`` when the tenant
    has no such job.
    """
    most, offset = check_limit(limit), check_offset(offset)
    if job_id is not None:
        await work.catalog.get_job(work.tenant, job_id)
    whole = _Kinds(
        runs=Selection(since=window.since, until=window.until, job_id=job_id),
        sessions=SessionSelection(since=window.since, until=window.until, job_id=job_id),
    )
    count = await work.unit.sessions.count(work.tenant, whole.sessions)
    wanted = await _behind(work, whole, before)
    if not runs:
        wanted = replace(wanted, runs=None)
    held = count if sessions else 0
    found = await _merged(work, wanted, most=most, offset=offset, sessions=held)
    kept = await work.overview.count_runs(work.tenant, whole.runs) if runs and whole.runs else 0
    return Events(
        events=found[:limit],
        more=len(found) > limit,
        total=kept + held,
        sessions=count,
        summary=await _summary(work, whole),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kinds:
    """Which runs are meant, those behind ``before``, and which sessions; None: no runs."""

    runs: Selection | None
    sessions: SessionSelection
    before: RunId | None = None


async def _behind(work: Reading, whole: _Kinds, before: UUID | None) -> _Kinds:
    """Return what comes behind an event. Of one instant runs come before sessions."""
    if before is None:
        return whole
    try:
        found = await work.unit.sessions.get(work.tenant, SessionId(before))
    except NotFound:
        run = await work.runs.get(work.tenant, RunId(before))
        until = min(run.slot, whole.sessions.until)
        return replace(whole, sessions=replace(whole.sessions, until=until), before=run.id)
    until = min(found.session.started_at - MICROSECOND, whole.sessions.until)
    assert whole.runs is not None
    return replace(
        whole,
        runs=replace(whole.runs, until=until),
        sessions=replace(whole.sessions, until=until),
    )


async def _merged(
    work: Reading, wanted: _Kinds, *, most: int, offset: int, sessions: int
) -> list[Event]:
    """
    Return some events, as many of them passed over.

    Of the runs those are not read that are passed over whatever sessions lie between them.
    """
    between = min(sessions, offset)
    runs: Sequence[NamedRun] = ()
    if wanted.runs is not None:
        runs = await work.overview.newest_runs(
            work.tenant,
            wanted.runs,
            limit=most + between,
            offset=offset - between,
            before=wanted.before,
        )
    held: Sequence[NamedSession] = ()
    if sessions:
        held = await work.unit.sessions.newest(
            work.tenant, wanted.sessions, limit=offset + most, offset=0
        )
    passed = between if wanted.runs is not None else offset
    merged: Iterator[Event] = heapq.merge(runs, held, key=_instant_of, reverse=True)
    return list(islice(merged, passed, passed + most))


def _instant_of(event: Event) -> datetime:
    return event.run.slot if isinstance(event, NamedRun) else event.session.started_at


async def _summary(work: Reading, whole: _Kinds) -> Tally:
    summary = Tally()
    if whole.runs is not None:
        for hour in await work.overview.hours(work.tenant, whole.runs):
            summary = summary.plus(hour.tally)
    return summary
