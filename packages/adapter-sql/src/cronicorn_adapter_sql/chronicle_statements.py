"""
Statements about one endpoint's past.

All look from the endpoint's own rows: none is the longer for other endpoints, and none scans runs
to count them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.run import BodyKind
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    column,
    func,
    or_,
    select,
    values,
)

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.overview_statements import sums_of
from cronicorn_adapter_sql.roll_ups import minute_of
from cronicorn_adapter_sql.run_log import runs_with_starts
from cronicorn_adapter_sql.tables import (
    endpoints,
    hints,
    jobs,
    roll_ups,
    run_bodies,
    runs,
    slot_records,
)

_ADDED: Final = ("runs", "timed_runs", "duration", "lateness")
_BODY: Final = ("headers", "kind", "text", "truncated")


def summed_by_stretch(
    tenant: TenantId, endpoint_id: EndpointId, since: datetime, until: datetime
) -> Select[Any]:
    """Sum up what each minute, hour and day has."""
    place = (roll_ups.c.begins_at, roll_ups.c.size)
    lateness = func.sum(roll_ups.c.lateness).label("lateness")
    return (
        select(*place, *sums_of(roll_ups), lateness)
        .where(*_counted(tenant, endpoint_id, since, until))
        .group_by(*place)
        .order_by(*place)
    )


def summed_by_window(
    tenant: TenantId, endpoint_id: EndpointId, since: Sequence[datetime], now: datetime
) -> Select[Any]:
    """Sum up by outcome class and duration step, for the window from each of the instants."""
    given = (
        values(column("window", Integer()), column("first", UtcDateTime()), name="given")
        .data([(number, minute_of(start)) for number, start in enumerate(since)])
        .cte("windows")
    )
    key = (roll_ups.c.outcome_class, roll_ups.c.duration_step)
    return (
        select(given.c.window, *key, *(func.sum(roll_ups.c[name]).label(name) for name in _ADDED))
        .join_from(given, roll_ups, roll_ups.c.begins_at >= given.c.first)
        .where(*_counted(tenant, endpoint_id, min(since, default=now), now))
        .group_by(given.c.window, *key)
    )


def job_of(tenant: TenantId, endpoint_id: EndpointId) -> Select[Any]:
    """Find the name of its job."""
    return (
        select(jobs.c.name)
        .join_from(endpoints, jobs, jobs.c.id == endpoints.c.job_id)
        .where(endpoints.c.id == endpoint_id, endpoints.c.tenant == tenant)
    )


def runs_of(
    tenant: TenantId, endpoint_id: EndpointId, since: datetime, until: datetime
) -> Select[Any]:
    """Find runs by their slots, the newest first."""
    return (
        runs_with_starts()
        .where(
            *_of(tenant, endpoint_id),
            runs.c.slot >= since,
            runs.c.slot <= until,
            runs.c.kind != Kind.TEST.value,
        )
        .order_by(runs.c.slot.desc(), runs.c.attempt.desc())
    )


def slot_records_of(
    tenant: TenantId, endpoint_id: EndpointId, since: datetime, until: datetime
) -> Select[Any]:
    """Find what was not run, the newest first."""
    return (
        select(slot_records)
        .where(
            slot_records.c.endpoint_id == endpoint_id,
            slot_records.c.tenant == tenant,
            slot_records.c.last >= since,
            slot_records.c.first <= until,
        )
        .order_by(slot_records.c.last.desc(), slot_records.c.id)
    )


def hints_of(
    tenant: TenantId, endpoint_id: EndpointId, since: datetime, until: datetime
) -> Select[Any]:
    """Find hints that lived in the window, the newest first."""
    ended = func.coalesce(hints.c.ended_at, hints.c.expires_at, type_=UtcDateTime())
    return (
        select(hints)
        .where(
            hints.c.endpoint_id == endpoint_id,
            hints.c.tenant == tenant,
            hints.c.created_at <= until,
            ended >= since,
        )
        .order_by(hints.c.created_at.desc(), hints.c.id.desc())
    )


def answered_by_stretch(
    tenant: TenantId,
    endpoint_id: EndpointId,
    edges: Sequence[datetime],
    until: datetime,
    *,
    size_most: int,
) -> Select[Any]:
    """
    Find what the newest answered slot of each stretch was answered, its attempts in order.

    Each stretch is one look into the index of the endpoint's runs, however many it has.
    """
    ends = [*edges[1:], until + MICROSECOND]
    stretch = (
        values(column("first", UtcDateTime()), column("behind", UtcDateTime()), name="given")
        .data(list(zip(edges, ends, strict=True)))
        .cte("stretch")
    )
    answered = (
        *_of(tenant, endpoint_id),
        runs.c.status_code.is_not(None),
        runs.c.kind != Kind.TEST.value,
    )
    newest = (
        select(func.max(runs.c.slot, type_=UtcDateTime()))
        .where(*answered, runs.c.slot >= stretch.c.first, runs.c.slot < stretch.c.behind)
        .correlate(stretch)
        .scalar_subquery()
    )
    # A list, and no join: SQLite would look for the newest slot of each stretch for each run.
    picked = select(newest.label("slot")).select_from(stretch)
    return (
        select(runs.c.id, runs.c.slot, run_bodies.c.kind, run_bodies.c.text, run_bodies.c.truncated)
        .join_from(
            runs,
            run_bodies,
            and_(run_bodies.c.run_id == runs.c.id, run_bodies.c.slot == runs.c.slot),
        )
        .where(
            *answered,
            runs.c.slot.in_(picked),
            run_bodies.c.kind == BodyKind.JSON.value,
            func.length(run_bodies.c.text) <= size_most,
        )
        .order_by(runs.c.slot, runs.c.attempt)
    )


def lying_around(tenant: TenantId, run_id: RunId) -> Select[Any]:
    """
    Find the attempts of a run's slot, those of the slot before and of the one behind.

    The run's own row has its body beside it (see ``body_in``).
    """
    # By its id alone: with the tenant, one without statistics would look through all of its runs.
    found = select(runs.c.endpoint_id, runs.c.slot).where(runs.c.id == run_id).cte("found")
    endpoint_id = select(found.c.endpoint_id).scalar_subquery()
    slot = select(found.c.slot).scalar_subquery()
    own = runs.c.endpoint_id == endpoint_id, runs.c.tenant == tenant
    earlier = select(func.max(runs.c.slot)).where(*own, runs.c.slot < slot).scalar_subquery()
    later = select(func.min(runs.c.slot)).where(*own, runs.c.slot > slot).scalar_subquery()
    body = select(
        *(run_bodies.c[name].label(f"body_{name}") for name in _BODY), run_bodies.c.run_id
    )
    kept = body.where(run_bodies.c.run_id == run_id, run_bodies.c.slot == slot).subquery("kept")
    return (
        runs_with_starts()
        .add_columns(*(kept.c[f"body_{name}"] for name in _BODY))
        .outerjoin(kept, kept.c.run_id == runs.c.id)
        .where(*own, or_(runs.c.slot == slot, runs.c.slot == earlier, runs.c.slot == later))
    )


def body_in(row: Columns) -> Columns | None:
    """Return the body that stands beside a run; None: it has none."""
    if row["body_kind"] is None:
        return None
    return {name: row[f"body_{name}"] for name in _BODY}


def _of(tenant: TenantId, endpoint_id: EndpointId) -> tuple[ColumnElement[bool], ...]:
    return runs.c.endpoint_id == endpoint_id, runs.c.tenant == tenant


def _counted(
    tenant: TenantId, endpoint_id: EndpointId, since: datetime, until: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        roll_ups.c.endpoint_id == endpoint_id,
        roll_ups.c.tenant == tenant,
        roll_ups.c.begins_at >= minute_of(since),
        roll_ups.c.begins_at <= until,
    )
