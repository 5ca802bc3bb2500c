"""
Statements that sum up all runs of a tenant.

A month of a large tenant is a million roll-ups, too many to add up while somebody waits. So the sum
is taken of what the roll-ups were added up to when their hours were closed (see ``spans``). Which
endpoints have the most runs is told by totals, and what these runs came to is read of those alone.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from cronicorn_domain.identity import EndpointId, JobId, TenantId
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
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.roll_ups import LATENESS_STEP, minute_of
from cronicorn_adapter_sql.spans import by_totals, whole_days, whole_hours
from cronicorn_adapter_sql.tables import (
    endpoint_days,
    endpoint_state,
    endpoint_totals,
    endpoints,
    job_days,
    job_roll_ups,
    jobs,
    roll_ups,
    tenant_spreads,
)
from cronicorn_adapter_sql.totals import midnight_of

SUMS: Final = ("runs", "success", "target", "ours", "timed", "duration")
"""What each of these statements returns besides its keys; together they are a ``Tally``."""
_ADDED: Final = ("outcome_class", "source", "runs", "timed_runs", "duration")
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
    """Sum up by ``endpoint_id`` those with the most runs, with their names."""
    most = ranked(tenant, which, limit=limit).cte("most")
    counted = _of_some(tenant, which, lambda of: of.c.endpoint_id.in_(select(most.c.endpoint_id)))
    summed = (
        select(counted.c.endpoint_id, *sums_of(counted))
        .group_by(counted.c.endpoint_id)
        .subquery("summed")
    )
    return (
        select(summed, endpoints.c.name, jobs.c.name.label("job_name"), endpoint_state.c.last_start)
        .join(endpoints, endpoints.c.id == summed.c.endpoint_id)
        .join(jobs, jobs.c.id == endpoints.c.job_id)
        .join(endpoint_state, endpoint_state.c.endpoint_id == summed.c.endpoint_id)
        .order_by(summed.c.runs.desc(), summed.c.endpoint_id)
    )


def ranked(tenant: TenantId, which: Selection, *, limit: int) -> Select[Any]:
    """Find the ``endpoint_id`` of those with the most ``runs``, and nothing but their number."""
    span = whole_days(which)
    own = _of_endpoints(which, tenant)
    counted = select(endpoint_days.c.endpoint_id, endpoint_days.c.runs).where(
        endpoint_days.c.tenant == tenant, *_of_source(endpoint_days, which), *own(endpoint_days)
    )
    rest = select(roll_ups.c.endpoint_id, roll_ups.c.runs).where(
        roll_ups.c.tenant == tenant, *_of_source(roll_ups, which), *own(roll_ups)
    )
    total = select(endpoint_totals.c.endpoint_id, endpoint_totals.c.runs).where(
        endpoint_totals.c.tenant == tenant, *own(endpoint_totals)
    )
    whole: Iterable[Select[Any]] = [counted.where(*span.summed(endpoint_days))]
    if which.source is None:
        whole = by_totals(span, total, counted)
    runs = union_all(*whole, *span.parts(rest)).subquery("counted")
    number = func.sum(runs.c.runs)
    return (
        select(runs.c.endpoint_id, number.label("runs"))
        .group_by(runs.c.endpoint_id)
        .having(number > 0)
        .order_by(number.desc(), runs.c.endpoint_id)
        .limit(limit)
    )


def by_stretch(
    tenant: TenantId,
    endpoint_ids: Sequence[EndpointId],
    which: Selection,
    edges: Sequence[datetime],
    *,
    dialect: str,
) -> Select[Any]:
    """
    Sum up by ``endpoint_id`` and ``edge``, the number of what their stretch begins with; -1: none.

    Where stretches are whole days of UTC they are read from days, else from roll-ups.
    """
    if all(edge == midnight_of(edge) for edge in edges[1:]):
        counted: FromClause = _of_some(tenant, which, lambda of: of.c.endpoint_id.in_(endpoint_ids))
    else:
        counted = (
            select(roll_ups.c.endpoint_id, roll_ups.c.begins_at, *_added(roll_ups))
            .where(
                roll_ups.c.endpoint_id.in_(endpoint_ids),
                *_within(roll_ups, tenant, which),
                *_of_endpoints(which, tenant)(roll_ups),
            )
            .subquery("counted")
        )
    edge = edge_of(counted.c.begins_at, edges, dialect)
    return (
        select(edge, counted.c.endpoint_id, *sums_of(counted))
        .group_by("edge", counted.c.endpoint_id)
        .order_by("edge", counted.c.endpoint_id)
    )


def by_steps(
    tenant: TenantId, which: Selection, edges: Sequence[datetime], *, dialect: str
) -> Select[Any]:
    """
    Count runs by ``edge``, the number of what their stretch begins with, and by their two steps.

    Of all jobs, from what was added up by tenant, and the rest from roll-ups; of one, from the
    roll-ups of its endpoints.
    """
    late: ColumnElement[int] = literal_column(LATENESS_STEP, Integer)
    counted = select(
        edge_of(roll_ups.c.begins_at, edges, dialect),
        roll_ups.c.duration_step,
        late.label("lateness_step"),
        roll_ups.c.timed_runs.label("runs"),
    ).where(roll_ups.c.timed_runs > 0, *_of_endpoints(which, tenant)(roll_ups))
    if which.job_id is None:
        span = whole_hours(which)
        hours = select(
            edge_of(tenant_spreads.c.begins_at, edges, dialect),
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


def edge_of(
    begins_at: ColumnElement[datetime], edges: Sequence[datetime], dialect: str
) -> Label[int]:
    """Find the number of the last edge that is not behind an instant; -1: none."""
    if dialect == "sqlite":
        found = [(begins_at >= edge, number) for number, edge in enumerate(edges)]
        return case(*reversed(found), else_=-1).label("edge")
    # It halves the edges, where a CASE would look at one after the other for each row.
    rising = literal(list(edges), ARRAY(UtcDateTime()))
    return (func.width_bucket(begins_at, rising, type_=Integer) - 1).label("edge")


def endpoints_of(tenant: TenantId, job_id: JobId) -> Select[Any]:
    """Find the endpoints of a job."""
    return select(endpoints.c.id).where(endpoints.c.job_id == job_id, endpoints.c.tenant == tenant)


def _by_job(tenant: TenantId, which: Selection) -> Subquery:
    """Put together what jobs have by the day and by the hour, and the rest from roll-ups."""
    days, hours = whole_days(which), whole_hours(which)
    rest = [
        each.add_columns(endpoints.c.job_id).join(
            endpoints, endpoints.c.id == roll_ups.c.endpoint_id
        )
        for each in hours.parts(_of_roll_ups(tenant, which))
    ]
    of_hours = _of_jobs(job_roll_ups, tenant, which).add_columns(job_roll_ups.c.job_id)
    begins_at = job_roll_ups.c.begins_at
    return union_all(
        _of_jobs(job_days, tenant, which)
        .add_columns(job_days.c.job_id)
        .where(*days.summed(job_days)),
        of_hours.where(*hours.summed(job_roll_ups), begins_at < days.first),
        of_hours.where(
            *hours.summed(job_roll_ups), begins_at >= days.first, begins_at >= days.behind
        ),
        *rest,
    ).subquery("counted")


def _of_all_jobs(tenant: TenantId, which: Selection) -> Subquery:
    """Put hours together without telling jobs apart, which spares looking for them."""
    span = whole_hours(which)
    hours = _of_jobs(job_roll_ups, tenant, which).where(*span.summed(job_roll_ups))
    return union_all(hours, *span.parts(_of_roll_ups(tenant, which))).subquery("counted")


def _of_some(
    tenant: TenantId,
    which: Selection,
    some: Callable[[FromClause], ColumnElement[bool]],
) -> Subquery:
    """Put together what some endpoints have by the day, and the rest from roll-ups."""
    span = whole_days(which)
    days = select(
        endpoint_days.c.endpoint_id, endpoint_days.c.begins_at, *_added(endpoint_days)
    ).where(
        endpoint_days.c.tenant == tenant,
        some(endpoint_days),
        *span.summed(endpoint_days),
        *_of_source(endpoint_days, which),
        *_of_endpoints(which, tenant)(endpoint_days),
    )
    rest = select(roll_ups.c.endpoint_id, roll_ups.c.begins_at, *_added(roll_ups)).where(
        roll_ups.c.tenant == tenant,
        some(roll_ups),
        *_of_source(roll_ups, which),
        *_of_endpoints(which, tenant)(roll_ups),
    )
    return union_all(days, *span.parts(rest)).subquery("counted")


def _of_jobs(counted: FromClause, tenant: TenantId, which: Selection) -> Select[Any]:
    sums = select(counted.c.begins_at, *_added(counted)).where(
        counted.c.tenant == tenant, *_of_source(counted, which)
    )
    return sums if which.job_id is None else sums.where(counted.c.job_id == which.job_id)


def _of_roll_ups(tenant: TenantId, which: Selection) -> Select[Any]:
    return select(roll_ups.c.begins_at, *_added(roll_ups)).where(
        roll_ups.c.tenant == tenant,
        *_of_source(roll_ups, which),
        *_of_endpoints(which, tenant)(roll_ups),
    )


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


def _of_endpoints(
    which: Selection, tenant: TenantId
) -> Callable[[FromClause], Sequence[ColumnElement[bool]]]:
    """Say which endpoints are meant, of what has their ids."""
    if which.job_id is None:
        return lambda _: []
    members = endpoints_of(tenant, which.job_id)
    return lambda counted: [counted.c.endpoint_id.in_(members)]


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
