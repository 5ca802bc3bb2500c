"""
Statements that sum up all runs of a tenant.

A month of a large tenant is a million roll-ups, too many to add up while somebody waits. So the sum
is taken of what the roll-ups were added up to when their minutes got old: of each job by the hour,
of each endpoint by the day. What is younger is in roll-ups by the minute, and in nothing else yet.
"""

from collections.abc import Sequence
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
    literal_column,
    select,
    type_coerce,
    union_all,
    values,
)

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.roll_ups import LATENESS_STEP, minute_of
from cronicorn_adapter_sql.tables import (
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
_HOUR: Final[ColumnElement[Any]] = literal_column("INTERVAL '1 hour'")
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

    Of all jobs, from what was added up by tenant, and from the minutes that are too young for that;
    of one, from the roll-ups of its endpoints.
    """
    late: ColumnElement[int] = literal_column(LATENESS_STEP, Integer)
    counted = select(
        _edge(roll_ups.c.begins_at, edges),
        roll_ups.c.duration_step,
        late.label("lateness_step"),
        roll_ups.c.timed_runs.label("runs"),
    ).where(roll_ups.c.timed_runs > 0, *_within(roll_ups, tenant, which), *_of_job(which, tenant))
    if which.job_id is None:
        old = select(
            _edge(tenant_spreads.c.begins_at, edges),
            tenant_spreads.c.duration_step,
            tenant_spreads.c.lateness_step,
            tenant_spreads.c.runs,
        ).where(*_within(tenant_spreads, tenant, which))
        counted = counted.where(roll_ups.c.size == "minute")
        either = union_all(old, counted).subquery("either")
    else:
        either = counted.subquery("either")
    steps = (either.c.edge, either.c.duration_step, either.c.lateness_step)
    return select(*steps, func.sum(either.c.runs).label("runs")).group_by(*steps)


def _edge(begins_at: ColumnElement[datetime], edges: Sequence[datetime]) -> Label[int]:
    """Find the last edge that is not behind an instant, looking from the last; -1: none."""
    found = [(begins_at >= edge, number) for number, edge in enumerate(edges)]
    return case(*reversed(found), else_=-1).label("edge")


def endpoints_of(tenant: TenantId, job_id: JobId) -> Select[Any]:
    """Find the endpoints of a job."""
    return select(endpoints.c.id).where(endpoints.c.job_id == job_id, endpoints.c.tenant == tenant)


def _by_job(tenant: TenantId, which: Selection) -> Subquery:
    """Put together what is counted by jobs and what is too young for that."""
    old, young = _old(tenant, which), _young(tenant, which)
    old = old.add_columns(job_roll_ups.c.job_id)
    young = young.add_columns(endpoints.c.job_id)
    young = young.join(endpoints, endpoints.c.id == roll_ups.c.endpoint_id)
    return union_all(old, young).subquery("counted")


def _of_all_jobs(tenant: TenantId, which: Selection) -> Subquery:
    """Put the same together without telling jobs apart, which spares looking for them."""
    return union_all(_old(tenant, which), _young(tenant, which)).subquery("counted")


def _old(tenant: TenantId, which: Selection) -> Select[Any]:
    old = select(job_roll_ups.c.begins_at, *_added(job_roll_ups))
    old = old.where(*_within(job_roll_ups, tenant, which))
    return old if which.job_id is None else old.where(job_roll_ups.c.job_id == which.job_id)


def _young(tenant: TenantId, which: Selection) -> Select[Any]:
    young = select(roll_ups.c.begins_at, *_added(roll_ups)).where(roll_ups.c.size == "minute")
    return young.where(*_within(roll_ups, tenant, which), *_of_job(which, tenant))


def _by_endpoint(tenant: TenantId, which: Selection) -> Subquery:
    """Put together whole days, the hours before and behind them, and what is too young for that."""
    first, behind = _whole_days(which)
    days = select(endpoint_days.c.endpoint_id, *_added(endpoint_days)).where(
        endpoint_days.c.tenant == tenant,
        endpoint_days.c.begins_at >= first,
        endpoint_days.c.begins_at < behind,
        *_of_source(endpoint_days, which),
    )
    of_roll_ups = select(roll_ups.c.endpoint_id, *_added(roll_ups)).where(
        *_within(roll_ups, tenant, which), *_of_job(which, tenant)
    )
    young = of_roll_ups.where(roll_ups.c.size == "minute")
    hours = of_roll_ups.where(roll_ups.c.size.in_(("hour", "day")))
    before, after = (roll_ups.c.begins_at < first), (roll_ups.c.begins_at >= behind)
    if which.job_id is not None:
        days = days.where(endpoint_days.c.endpoint_id.in_(endpoints_of(tenant, which.job_id)))
    # Two selects, as one with OR would look at every hour between.
    return union_all(days, young, hours.where(before), hours.where(after)).subquery("counted")


def _whole_days(which: Selection) -> tuple[datetime, datetime]:
    """Return the first whole day in UTC, and where the days behind the last whole one begin."""
    since = minute_of(which.since)
    first, behind = _midnight(since), _midnight(which.until)
    if first < since:
        first += _DAY
    return first, max(first, behind)


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
    return type_coerce(func.date_bin(_HOUR, begins_at, _BEGINNING), UtcDateTime())
