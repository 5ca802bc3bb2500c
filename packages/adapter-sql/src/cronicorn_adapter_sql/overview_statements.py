"""
Statements that sum up all runs of a tenant.

A month of a large tenant is a million roll-ups, too many to add up while somebody waits. So the sum
is taken of what the roll-ups were added up to when their hours were closed: of each job by the
hour, of each endpoint by the day. Roll-ups themselves are added up only where there is no sum: what
is not closed yet, or came too late for that, and what a window has of an hour or day at its ends.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.ports.overview import Selection
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Label,
    Select,
    String,
    Subquery,
    case,
    column,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    union_all,
    values,
)

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.lower_bound import FLOOR
from cronicorn_adapter_sql.roll_ups import LATENESS_STEP, SIZES, hour_of, minute_of
from cronicorn_adapter_sql.tables import (
    closings,
    endpoint_days,
    endpoint_state,
    endpoints,
    job_roll_ups,
    jobs,
    roll_ups,
    tenant_spreads,
)

SUMS: Final = ("runs", "success", "target", "ours", "timed", "duration")
"""What each of these statements returns besides its keys; together they are a ``Tally``."""
_ADDED: Final = ("outcome_class", "source", "runs", "timed_runs", "duration")
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_AN_HOUR: Final[ColumnElement[Any]] = literal_column("INTERVAL '1 hour'")
_BEGINNING: Final[ColumnElement[Any]] = literal_column("TIMESTAMPTZ '2000-01-01 00:00:00+00'")


def by_hour(tenant: TenantId, which: Selection, *, dialect: str) -> Select[Any]:
    """Sum up by ``hour`` and ``source``."""
    counted = _of_all_jobs(tenant, which)
    hour = _hour(counted.c.begins_at, dialect).label("hour")
    sums = select(hour, counted.c.source, *sums_of(counted))
    return sums.group_by("hour", counted.c.source).order_by("hour", counted.c.source)


def by_job(tenant: TenantId, which: Selection) -> Select[Any]:
    """Sum up by job: ``id`` and ``name``; the most runs first."""
    counted = _by_job(tenant, which)
    # Names are looked for once for each job, and not for each row that is added up.
    summed = (
        select(counted.c.job_id, *sums_of(counted)).group_by(counted.c.job_id).subquery("summed")
    )
    return (
        select(jobs.c.id, jobs.c.name, *(summed.c[name] for name in SUMS))
        .join(summed, summed.c.job_id == jobs.c.id)
        .order_by(summed.c.runs.desc(), jobs.c.id)
    )


def busiest(tenant: TenantId, which: Selection, *, limit: int) -> Select[Any]:
    """Sum up by ``endpoint_id``, and find those with the most runs, with their names."""
    counted = _by_endpoint(tenant, which)
    most = (
        select(counted.c.endpoint_id, *sums_of(counted))
        .group_by(counted.c.endpoint_id)
        .order_by(func.sum(counted.c.runs).desc(), counted.c.endpoint_id)
        .limit(limit)
        .subquery("most")
    )
    return (
        select(most, endpoints.c.name, jobs.c.name.label("job_name"), endpoint_state.c.last_start)
        .join(endpoints, endpoints.c.id == most.c.endpoint_id)
        .join(jobs, jobs.c.id == endpoints.c.job_id)
        .join(endpoint_state, endpoint_state.c.endpoint_id == most.c.endpoint_id)
        .order_by(most.c.runs.desc(), most.c.endpoint_id)
    )


def by_stretch(
    tenant: TenantId,
    endpoint_ids: Sequence[EndpointId],
    which: Selection,
    edges: Sequence[datetime],
) -> Select[Any]:
    """
    Sum up by ``endpoint_id`` and ``first``, the edge that a stretch begins with.

    Of few endpoints, and so from the roll-ups themselves.
    """
    ends = [*edges[1:], which.until + MICROSECOND]
    stretch = (
        values(column("first", UtcDateTime()), column("behind", UtcDateTime()), name="given")
        .data(list(zip(edges, ends, strict=True)))
        .cte("stretch")
    )
    lies_in = (roll_ups.c.begins_at >= stretch.c.first) & (roll_ups.c.begins_at < stretch.c.behind)
    return (
        select(stretch.c.first, roll_ups.c.endpoint_id, *sums_of(roll_ups))
        .join_from(stretch, roll_ups, lies_in)
        .where(
            roll_ups.c.endpoint_id.in_(endpoint_ids),
            *_within(roll_ups, tenant, which),
            *_of_job(which, tenant),
        )
        .group_by(stretch.c.first, roll_ups.c.endpoint_id)
        .order_by(stretch.c.first, roll_ups.c.endpoint_id)
    )


def by_steps(tenant: TenantId, which: Selection, edges: Sequence[datetime]) -> Select[Any]:
    """
    Count runs by ``edge``, the number of what their stretch begins with, and by their two steps.

    Of all jobs, from what was added up by tenant, and the rest from roll-ups; of one, from the
    roll-ups of its endpoints.
    """
    late: ColumnElement[int] = literal_column(LATENESS_STEP, Integer)
    counted = select(
        _edge(roll_ups.c.begins_at, edges),
        roll_ups.c.duration_step,
        late.label("lateness_step"),
        roll_ups.c.timed_runs.label("runs"),
    ).where(roll_ups.c.timed_runs > 0, *_of_job(which, tenant))
    if which.job_id is None:
        span = _whole_hours(which)
        hours = select(
            _edge(tenant_spreads.c.begins_at, edges),
            tenant_spreads.c.duration_step,
            tenant_spreads.c.lateness_step,
            tenant_spreads.c.runs,
        ).where(
            tenant_spreads.c.tenant == tenant,
            *span.summed(tenant_spreads),
            *_of_source(tenant_spreads, which),
        )
        rest = counted.where(roll_ups.c.tenant == tenant, *_of_source(roll_ups, which))
        either = union_all(hours, *span.parts(rest)).subquery("either")
    else:
        either = counted.where(*_within(roll_ups, tenant, which)).subquery("either")
    steps = (either.c.edge, either.c.duration_step, either.c.lateness_step)
    return select(*steps, func.sum(either.c.runs).label("runs")).group_by(*steps)


def _edge(begins_at: ColumnElement[datetime], edges: Sequence[datetime]) -> Label[int]:
    """Find the last edge that is not behind an instant, looking from the last; -1: none."""
    found = [(begins_at >= edge, number) for number, edge in enumerate(edges)]
    return case(*reversed(found), else_=-1).label("edge")


def endpoints_of(tenant: TenantId, job_id: JobId) -> Select[Any]:
    """Find the endpoints of a job."""
    return select(endpoints.c.id).where(endpoints.c.job_id == job_id, endpoints.c.tenant == tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """
    What of a window is in sums: all from ``first`` to ``behind``, which may be none.

    The rest is in roll-ups only: what lies before and behind that, and what was late.
    """

    since: datetime
    first: datetime
    behind: ColumnElement[datetime]
    until: datetime

    def summed(self, counted: FromClause) -> Sequence[ColumnElement[bool]]:
        """Say what is in sums."""
        return [counted.c.begins_at >= self.first, counted.c.begins_at < self.behind]

    def parts(self, of_roll_ups: Select[Any]) -> Iterator[Select[Any]]:
        """Select the rest, each part by an index: one with OR would look at all between."""
        begins_at, size = roll_ups.c.begins_at, roll_ups.c.size
        of_any = of_roll_ups.where(size.in_(SIZES))
        if self.since < self.first:
            first = min(self.first, self.until + MICROSECOND)
            yield of_any.where(begins_at >= self.since, begins_at < first)
        behind = case((self.behind > self.first, self.behind), else_=self.first)
        yield of_any.where(begins_at >= behind, begins_at <= self.until)
        yield of_roll_ups.where(size == "late", *self.summed(roll_ups))


def _closed() -> ColumnElement[datetime]:
    """Say until when hours are closed; all of it is added up from roll-ups where none is."""
    until = select(closings.c.until).scalar_subquery()
    return type_coerce(func.coalesce(until, literal(FLOOR, UtcDateTime())), UtcDateTime())


def _whole_hours(which: Selection) -> _Span:
    last = literal(hour_of(which.until), UtcDateTime())
    return _span(which, hour_of, _HOUR, case((_closed() < last, _closed()), else_=last))


def _whole_days(which: Selection) -> _Span:
    """A day that is not over has a sum as well, of its closed hours."""
    last = literal(hour_of(which.until), UtcDateTime())
    midnight = literal(_midnight(which.until), UtcDateTime())
    return _span(which, _midnight, _DAY, case((_closed() <= last, _closed()), else_=midnight))


def _span(
    which: Selection,
    beginning: Callable[[datetime], datetime],
    length: timedelta,
    behind: ColumnElement[datetime],
) -> _Span:
    since = minute_of(which.since).astimezone(UTC)
    first = beginning(since)
    return _Span(
        since=since,
        first=first if first == since else first + length,
        behind=behind,
        until=which.until.astimezone(UTC),
    )


def _by_job(tenant: TenantId, which: Selection) -> Subquery:
    """Put together what jobs have by the hour, and the rest from roll-ups."""
    span = _whole_hours(which)
    rest = [
        each.add_columns(endpoints.c.job_id).join(
            endpoints, endpoints.c.id == roll_ups.c.endpoint_id
        )
        for each in span.parts(_of_roll_ups(tenant, which))
    ]
    hours = _of_jobs(tenant, which, span).add_columns(job_roll_ups.c.job_id)
    return union_all(hours, *rest).subquery("counted")


def _of_all_jobs(tenant: TenantId, which: Selection) -> Subquery:
    """Put the same together without telling jobs apart, which spares looking for them."""
    span = _whole_hours(which)
    rest = span.parts(_of_roll_ups(tenant, which))
    return union_all(_of_jobs(tenant, which, span), *rest).subquery("counted")


def _by_endpoint(tenant: TenantId, which: Selection) -> Subquery:
    """Put together what endpoints have by the day, and the rest from roll-ups."""
    span = _whole_days(which)
    of_roll_ups = _of_roll_ups(tenant, which).with_only_columns(
        roll_ups.c.endpoint_id, *_added(roll_ups)
    )
    days = select(endpoint_days.c.endpoint_id, *_added(endpoint_days)).where(
        endpoint_days.c.tenant == tenant,
        *span.summed(endpoint_days),
        *_of_source(endpoint_days, which),
    )
    if which.job_id is not None:
        days = days.where(endpoint_days.c.endpoint_id.in_(endpoints_of(tenant, which.job_id)))
    return union_all(days, *span.parts(of_roll_ups)).subquery("counted")


def _of_jobs(tenant: TenantId, which: Selection, span: _Span) -> Select[Any]:
    hours = select(job_roll_ups.c.begins_at, *_added(job_roll_ups)).where(
        job_roll_ups.c.tenant == tenant,
        *span.summed(job_roll_ups),
        *_of_source(job_roll_ups, which),
    )
    return hours if which.job_id is None else hours.where(job_roll_ups.c.job_id == which.job_id)


def _of_roll_ups(tenant: TenantId, which: Selection) -> Select[Any]:
    return select(roll_ups.c.begins_at, *_added(roll_ups)).where(
        roll_ups.c.tenant == tenant, *_of_source(roll_ups, which), *_of_job(which, tenant)
    )


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _added(counted: FromClause) -> Sequence[ColumnElement[Any]]:
    return [counted.c[name] for name in _ADDED]


def _within(
    counted: FromClause, tenant: TenantId, which: Selection
) -> Sequence[ColumnElement[bool]]:
    return [
        counted.c.tenant == tenant,
        counted.c.begins_at >= minute_of(which.since),
        counted.c.begins_at <= which.until,
        *_of_source(counted, which),
    ]


def _of_source(counted: FromClause, which: Selection) -> Sequence[ColumnElement[bool]]:
    return [] if which.source is None else [counted.c.source == which.source.value]


def _of_job(which: Selection, tenant: TenantId) -> Sequence[ColumnElement[bool]]:
    if which.job_id is None:
        return []
    return [roll_ups.c.endpoint_id.in_(endpoints_of(tenant, which.job_id))]


def sums_of(counted: FromClause) -> Sequence[Label[Any]]:
    """Add up ``SUMS`` over what is counted."""

    def of(outcome_class: str) -> ColumnElement[int]:
        judged = counted.c.outcome_class == outcome_class
        return func.coalesce(func.sum(counted.c.runs).filter(judged), 0)

    sums = (
        func.sum(counted.c.runs),
        of("success"),
        of("target"),
        of("ours"),
        func.sum(counted.c.timed_runs),
        func.sum(counted.c.duration),
    )
    return [each.label(name) for name, each in zip(SUMS, sums, strict=True)]


def _hour(begins_at: ColumnElement[datetime], dialect: str) -> ColumnElement[datetime]:
    if dialect == "sqlite":
        text = func.substr(begins_at, 1, 13, type_=String)
        return type_coerce(text + ":00:00.000000", UtcDateTime())
    # Hours of UTC are as long as one another: no zone has to be looked up for each row.
    return type_coerce(func.date_bin(_AN_HOUR, begins_at, _BEGINNING), UtcDateTime())
