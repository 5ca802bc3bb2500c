"""Read what a dashboard shows: how much there is, what became of it, and how that changes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.decision import Source
from cronicorn_domain.ports.overview import (
    EndpointStretch,
    EndpointTally,
    Holdings,
    HourTally,
    JobTally,
    NamedRun,
    Selection,
    Tally,
)
from cronicorn_domain.ports.session_log import SessionSelection

from cronicorn_management.dashboard.speed import Speed, speed_of
from cronicorn_management.dashboard.windows import Window
from cronicorn_management.desk import Reading
from cronicorn_management.pages import check_limit

ENDPOINTS_MOST = 100
ENDPOINTS_USUAL = 20
_NEWEST = 20
_LAST_DAY = timedelta(days=1)
_NOTEWORTHY = 1.0
"""So many percentage points make a trend."""


class Trend(StrEnum):
    """Where the success rate goes."""

    UP = "up"
    DOWN = "down"
    STABLE = "stable"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDay:
    """What came of an endpoint's runs on a day."""

    day: date
    endpoint: EndpointTally
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDay:
    """The AI planner's sessions about an endpoint on a day."""

    day: date
    endpoint_id: EndpointId
    endpoint_name: str
    sessions: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """
    A tenant at a glance; sums are of settled runs, without test runs, pruned ones included.

    Attributes:
        holdings: How many jobs and endpoints there are.
        whole: The sum of the window.
        trend: The success rate of the window's later half against its earlier one.
        last_day: The sum of the last 24 hours, of all jobs and sources.
        jobs: The sums by job, the most runs first.
        sources: How many runs each rule planned, the most first.
        days: The sum of each day of the window, those without runs included.
        speed: How long the runs of the window took, and how late they started.
        speeds: The same of each day that has any.
        busiest: The endpoints with the most runs.
        busiest_days: Their sums by day, where they have any.
        newest: The newest of the runs that are kept.
        sessions: The AI planner's sessions by day and endpoint, where there are any.
    """

    holdings: Holdings
    whole: Tally
    trend: Trend
    last_day: Tally
    jobs: Sequence[JobTally]
    sources: Sequence[tuple[Source, int]]
    days: Sequence[tuple[date, Tally]]
    speed: Speed
    speeds: Mapping[date, Speed]
    busiest: Sequence[EndpointTally]
    busiest_days: Sequence[EndpointDay]
    newest: Sequence[NamedRun]
    sessions: Sequence[SessionDay]


async def read_stats(
    work: Reading,
    window: Window,
    *,
    job_id: JobId | None = None,
    source: Source | None = None,
    endpoints: int = ENDPOINTS_USUAL,
) -> Stats:
    """
    Return a tenant at a glance, of one job and one source if they are given.

    Raises ``InvalidInput``, and ``NotFound`` when the tenant has no such job.
    """
    check_limit(endpoints, most=ENDPOINTS_MOST)
    if job_id is not None:
        await work.catalog.get_job(work.tenant, job_id)
    which = Selection(since=window.since, until=window.until, job_id=job_id, source=source)
    overview, tenant = work.overview, work.tenant
    hours = await overview.hours(tenant, which)
    busiest = await overview.busiest(tenant, which, limit=endpoints)
    ids = [each.endpoint_id for each in busiest]
    spreads = await overview.spreads(tenant, which, edges=window.beginnings())
    last_day = Selection(since=work.now - _LAST_DAY, until=work.now)
    return Stats(
        holdings=await overview.holdings(tenant, now=work.now),
        whole=_sum(hours),
        trend=_trend(hours, window),
        last_day=_sum(await overview.hours(tenant, last_day)),
        jobs=await overview.jobs(tenant, which),
        sources=_by_source(hours),
        days=_by_day(hours, window),
        speed=speed_of(spreads),
        speeds={window.day_of(each.begins_at): speed_of([each]) for each in spreads},
        busiest=busiest,
        busiest_days=_endpoint_days(
            busiest,
            await overview.stretches(tenant, ids, which, edges=window.beginnings()),
            window,
        ),
        newest=await overview.newest_runs(tenant, which, limit=_NEWEST),
        sessions=await _session_days(work, window, job_id),
    )


def success_rate(tally: Tally) -> float:
    """Return how many of a hundred runs succeeded, of those the target answers for; 0 of none."""
    judged = tally.success + tally.target_failure
    return 100 * tally.success / judged if judged else 0.0


def _sum(parts: Iterable[HourTally]) -> Tally:
    whole = Tally()
    for part in parts:
        whole = whole.plus(part.tally)
    return whole


def _trend(hours: Sequence[HourTally], window: Window) -> Trend:
    earlier = _sum(each for each in hours if each.begins_at < window.middle)
    later = _sum(each for each in hours if each.begins_at >= window.middle)
    if not all(each.success + each.target_failure for each in (earlier, later)):
        return Trend.STABLE
    change = success_rate(later) - success_rate(earlier)
    if abs(change) < _NOTEWORTHY:
        return Trend.STABLE
    return Trend.UP if change > 0 else Trend.DOWN


def _by_source(hours: Iterable[HourTally]) -> Sequence[tuple[Source, int]]:
    counts: dict[Source, int] = defaultdict(int)
    for each in hours:
        counts[each.source] += each.tally.runs
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _by_day(hours: Iterable[HourTally], window: Window) -> Sequence[tuple[date, Tally]]:
    days = dict.fromkeys(window.days(), Tally())
    for each in hours:
        day = window.day_of(max(each.begins_at, window.since))
        days[day] = days[day].plus(each.tally)
    return list(days.items())


def _endpoint_days(
    busiest: Sequence[EndpointTally], days: Iterable[EndpointStretch], window: Window
) -> Sequence[EndpointDay]:
    named = {each.endpoint_id: each for each in busiest}
    return [
        EndpointDay(
            day=window.day_of(each.begins_at), endpoint=named[each.endpoint_id], tally=each.tally
        )
        for each in days
    ]


async def _session_days(
    work: Reading, window: Window, job_id: JobId | None
) -> Sequence[SessionDay]:
    which = SessionSelection(since=window.since, until=window.until, job_id=job_id)
    sums: dict[tuple[date, EndpointId], tuple[str, int, int]] = {}
    for each in await work.unit.sessions.hours(work.tenant, which):
        key = (window.day_of(max(each.begins_at, window.since)), each.endpoint_id)
        _, sessions, tokens = sums.get(key, ("", 0, 0))
        sums[key] = (each.endpoint_name, sessions + each.sessions, tokens + each.tokens)
    return [
        SessionDay(day=day, endpoint_id=endpoint_id, endpoint_name=name, sessions=n, tokens=tokens)
        for (day, endpoint_id), (name, n, tokens) in sums.items()
    ]
