"""
Statements that sum up all runs of a tenant.

A month of a large tenant is a million roll-ups, too many to add up while somebody waits. So the sum
is taken of what the roll-ups were added up to when their hours were closed (see ``spans``). Which
endpoints have the most runs is told by totals, and what these runs came to is read of those alone.

Each is put together once for each shape of a selection (see ``shapes``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Label,
    Select,
    String,
    Subquery,
    bindparam,
    case,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.roll_ups import LATENESS_STEP
from cronicorn_adapter_sql.run_log import runs_with_starts
from cronicorn_adapter_sql.shapes import JOB, SOURCE, TENANT, Shape, instant
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
    runs,
    tenant_spreads,
)

SUMS: Final = ("runs", "success", "target", "ours", "timed", "duration")
"""What each of these statements returns besides its keys; together they are a ``Tally``."""
_ADDED: Final = ("outcome_class", "source", "runs", "timed_runs", "duration")
_EDGE: Final = "edge_{}"
_BY_SLOT: Final = (runs.c.slot, runs.c.attempt, runs.c.id)
_once: Final = lru_cache(maxsize=128)
_AN_HOUR: Final[ColumnElement[Any]] = literal_column("INTERVAL '1 hour'")
_BEGINNING: Final[ColumnElement[Any]] = literal_column("TIMESTAMPTZ '2000-01-01 00:00:00+00'")


@_once
def by_hour(shape: Shape) -> Select[Any]:
    """Sum up by ``hour`` and ``source``."""
    counted = _of_all_jobs(shape)
    hour = _hour(counted.c.begins_at, shape.dialect).label("hour")
    sums = select(hour, counted.c.source, *sums_of(counted))
    return sums.group_by("hour", counted.c.source).order_by("hour", counted.c.source)


@_once
def by_job(shape: Shape) -> Select[Any]:
    """Sum up by job: ``id`` and ``name``; the most runs first."""
    counted = _by_job(shape)
    # Names are looked for once for each job, and not for each row that is added up.
    summed = (
        select(counted.c.job_id, *sums_of(counted)).group_by(counted.c.job_id).subquery("summed")
    )
    return (
        select(jobs.c.id, jobs.c.name, *(summed.c[name] for name in SUMS))
        .join(summed, summed.c.job_id == jobs.c.id)
        .order_by(summed.c.runs.desc(), jobs.c.id)
    )


@_once
def busiest(shape: Shape) -> Select[Any]:
    """Sum up by ``endpoint_id`` those with the most runs, with their names."""
    most = ranked(shape).cte("most")
    counted = _of_some(shape, lambda of: of.c.endpoint_id.in_(select(most.c.endpoint_id)))
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


@_once
def ranked(shape: Shape) -> Select[Any]:
    """Find the ``endpoint_id`` of those with the most ``runs``, and nothing but their number."""
    span = whole_days(shape)
    own = _of_endpoints(shape)
    counted = select(endpoint_days.c.endpoint_id, endpoint_days.c.runs).where(
        endpoint_days.c.tenant == TENANT, *_of_source(endpoint_days, shape), *own(endpoint_days)
    )
    rest = select(roll_ups.c.endpoint_id, roll_ups.c.runs).where(
        roll_ups.c.tenant == TENANT, *_of_source(roll_ups, shape), *own(roll_ups)
    )
    total = select(endpoint_totals.c.endpoint_id, endpoint_totals.c.runs).where(
        endpoint_totals.c.tenant == TENANT, *own(endpoint_totals)
    )
    whole: Iterable[Select[Any]] = [counted.where(*span.summed(endpoint_days))]
    if not shape.of_source:
        whole = by_totals(span, total, counted)
    either = union_all(*whole, *span.parts(rest)).subquery("counted")
    number = func.sum(either.c.runs)
    return (
        select(either.c.endpoint_id, number.label("runs"))
        .group_by(either.c.endpoint_id)
        .having(number > 0)
        .order_by(number.desc(), either.c.endpoint_id)
        .limit(bindparam("limit", type_=Integer))
    )


@_once
def by_stretch(shape: Shape, *, edges: int, by_days: bool) -> Select[Any]:
    """
    Sum up by ``endpoint_id`` and ``edge``, the number of what their stretch begins with; -1: none.

    It is of ``endpoint_ids``. Where stretches are whole days of UTC they are read from days, else
    from roll-ups.
    """
    ids = bindparam("endpoint_ids", type_=roll_ups.c.endpoint_id.type, expanding=True)
    if by_days:
        counted: FromClause = _of_some(shape, lambda of: of.c.endpoint_id.in_(ids))
    else:
        counted = (
            select(roll_ups.c.endpoint_id, roll_ups.c.begins_at, *_added(roll_ups))
            .where(
                roll_ups.c.endpoint_id.in_(ids),
                *_within(roll_ups, shape),
                *_of_endpoints(shape)(roll_ups),
            )
            .subquery("counted")
        )
    edge = edge_of(counted.c.begins_at, edges, shape.dialect)
    return (
        select(edge, counted.c.endpoint_id, *sums_of(counted))
        .group_by("edge", counted.c.endpoint_id)
        .order_by("edge", counted.c.endpoint_id)
    )


@_once
def by_steps(shape: Shape, *, edges: int) -> Select[Any]:
    """
    Count runs by ``edge``, the number of what their stretch begins with, and by their two steps.

    Of all jobs, from what was added up by tenant, and the rest from roll-ups; of one, from the
    roll-ups of its endpoints.
    """
    late: ColumnElement[int] = literal_column(LATENESS_STEP, Integer)
    counted = select(
        edge_of(roll_ups.c.begins_at, edges, shape.dialect),
        roll_ups.c.duration_step,
        late.label("lateness_step"),
        roll_ups.c.timed_runs.label("runs"),
    ).where(roll_ups.c.timed_runs > 0, *_of_endpoints(shape)(roll_ups))
    if not shape.of_job:
        span = whole_hours(shape)
        hours = select(
            edge_of(tenant_spreads.c.begins_at, edges, shape.dialect),
            tenant_spreads.c.duration_step,
            tenant_spreads.c.lateness_step,
            tenant_spreads.c.runs,
        ).where(
            tenant_spreads.c.tenant == TENANT,
            *span.summed(tenant_spreads),
            *_of_source(tenant_spreads, shape),
        )
        rest = counted.where(roll_ups.c.tenant == TENANT, *_of_source(roll_ups, shape))
        either = union_all(hours, *span.parts(rest)).subquery("either")
    else:
        either = counted.where(*_within(roll_ups, shape)).subquery("either")
    steps = (either.c.edge, either.c.duration_step, either.c.lateness_step)
    return select(*steps, func.sum(either.c.runs).label("runs")).group_by(*steps)


def edge_of(begins_at: ColumnElement[datetime], edges: int, dialect: str) -> Label[int]:
    """Find the number of the last edge that is not behind an instant; -1: none."""
    if dialect == "sqlite":
        found = [(begins_at >= instant(_EDGE.format(number)), number) for number in range(edges)]
        return case(*reversed(found), else_=-1).label("edge")
    # It halves the edges, where a CASE would look at one after the other for each row.
    rising: ColumnElement[Any] = bindparam("edges", type_=ARRAY(UtcDateTime()))
    return (func.width_bucket(begins_at, rising, type_=Integer) - 1).label("edge")


def edge_values(edges: Sequence[datetime], dialect: str) -> Mapping[str, object]:
    """Return edges by the names that statements know them by."""
    if dialect == "sqlite":
        return {_EDGE.format(number): edge for number, edge in enumerate(edges)}
    return {"edges": [*edges]}


@_once
def newest(shape: Shape, *, before: bool) -> Select[Any]:
    """Find the runs that are kept, the newest slot first, and from behind one of them."""
    page = select(runs.c.id, runs.c.slot).where(*_kept(shape))
    if before:
        behind = bindparam("before", type_=runs.c.id.type)
        last = select(*_BY_SLOT).where(runs.c.id == behind, runs.c.tenant == TENANT)
        page = page.where(tuple_(*_BY_SLOT) < last.scalar_subquery())
    falling = [column.desc() for column in _BY_SLOT]
    limit, offset = (bindparam(name, type_=Integer) for name in ("limit", "offset"))
    found = page.order_by(*falling).limit(limit).offset(offset).subquery("found")
    return (
        runs_with_starts()
        .add_columns(endpoints.c.name.label("endpoint_name"), jobs.c.name.label("job_name"))
        .join(found, (found.c.id == runs.c.id) & (found.c.slot == runs.c.slot))
        .join(endpoints, endpoints.c.id == runs.c.endpoint_id)
        .join(jobs, jobs.c.id == endpoints.c.job_id)
        .order_by(*falling)
    )


@_once
def how_many(shape: Shape) -> Select[Any]:
    """Count the ``runs`` that are kept."""
    return select(func.count().label("runs")).select_from(runs).where(*_kept(shape))


def _kept(shape: Shape) -> Sequence[ColumnElement[bool]]:
    """Say which runs are meant, of those that are kept."""
    return [
        runs.c.tenant == TENANT,
        runs.c.slot >= instant("first_slot"),
        runs.c.slot <= instant("last_slot"),
        *_of_source(runs, shape),
        *_of_endpoints(shape)(runs),
    ]


def _endpoints_of_job() -> Select[Any]:
    """Find the endpoints of the job."""
    return select(endpoints.c.id).where(endpoints.c.job_id == JOB, endpoints.c.tenant == TENANT)


def _by_job(shape: Shape) -> Subquery:
    """Put together what jobs have by the day and by the hour, and the rest from roll-ups."""
    days, hours = whole_days(shape), whole_hours(shape)
    rest = [
        each.add_columns(endpoints.c.job_id).join(
            endpoints, endpoints.c.id == roll_ups.c.endpoint_id
        )
        for each in hours.parts(_of_roll_ups(shape))
    ]
    of_hours = _of_jobs(job_roll_ups, shape).add_columns(job_roll_ups.c.job_id)
    begins_at = job_roll_ups.c.begins_at
    return union_all(
        _of_jobs(job_days, shape).add_columns(job_days.c.job_id).where(*days.summed(job_days)),
        of_hours.where(*hours.summed(job_roll_ups), begins_at < days.first),
        of_hours.where(
            *hours.summed(job_roll_ups), begins_at >= days.first, begins_at >= days.behind
        ),
        *rest,
    ).subquery("counted")


def _of_all_jobs(shape: Shape) -> Subquery:
    """Put hours together without telling jobs apart, which spares looking for them."""
    span = whole_hours(shape)
    hours = _of_jobs(job_roll_ups, shape).where(*span.summed(job_roll_ups))
    return union_all(hours, *span.parts(_of_roll_ups(shape))).subquery("counted")


def _of_some(
    shape: Shape,
    some: Callable[[FromClause], ColumnElement[bool]],
) -> Subquery:
    """Put together what some endpoints have by the day, and the rest from roll-ups."""
    span = whole_days(shape)
    days = select(
        endpoint_days.c.endpoint_id, endpoint_days.c.begins_at, *_added(endpoint_days)
    ).where(
        endpoint_days.c.tenant == TENANT,
        some(endpoint_days),
        *span.summed(endpoint_days),
        *_of_source(endpoint_days, shape),
        *_of_endpoints(shape)(endpoint_days),
    )
    rest = select(roll_ups.c.endpoint_id, roll_ups.c.begins_at, *_added(roll_ups)).where(
        roll_ups.c.tenant == TENANT,
        some(roll_ups),
        *_of_source(roll_ups, shape),
        *_of_endpoints(shape)(roll_ups),
    )
    return union_all(days, *span.parts(rest)).subquery("counted")


def _of_jobs(counted: FromClause, shape: Shape) -> Select[Any]:
    sums = select(counted.c.begins_at, *_added(counted)).where(
        counted.c.tenant == TENANT, *_of_source(counted, shape)
    )
    return sums if not shape.of_job else sums.where(counted.c.job_id == JOB)


def _of_roll_ups(shape: Shape) -> Select[Any]:
    return select(roll_ups.c.begins_at, *_added(roll_ups)).where(
        roll_ups.c.tenant == TENANT,
        *_of_source(roll_ups, shape),
        *_of_endpoints(shape)(roll_ups),
    )


def _added(counted: FromClause) -> Sequence[ColumnElement[Any]]:
    return [counted.c[name] for name in _ADDED]


def _within(counted: FromClause, shape: Shape) -> Sequence[ColumnElement[bool]]:
    return [
        counted.c.tenant == TENANT,
        counted.c.begins_at >= instant("since"),
        counted.c.begins_at <= instant("until"),
        *_of_source(counted, shape),
    ]


def _of_source(counted: FromClause, shape: Shape) -> Sequence[ColumnElement[bool]]:
    return [counted.c.source == SOURCE] if shape.of_source else []


def _of_endpoints(shape: Shape) -> Callable[[FromClause], Sequence[ColumnElement[bool]]]:
    """Say which endpoints are meant, of what has their ids."""
    if not shape.of_job:
        return lambda _: []
    members = _endpoints_of_job()
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
