"""The statements that lock and read endpoints; each is built once for a dialect."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.tables import (
    due,
    endpoint_state,
    endpoints,
    hints,
    jobs,
    leases,
    triggers,
)

ENDPOINT_COLUMNS: Final = tuple(endpoints.c.keys())
STATE_COLUMNS: Final = tuple(endpoint_state.c.keys())
LEASE_COLUMNS: Final = tuple(leases.c.keys())


_NOW: Final = bindparam("now", type_=UtcDateTime())


@dataclass(frozen=True, slots=True, kw_only=True)
class SituationStatements:
    """
    What locks and reads endpoints.

    Attributes:
        lock: Locks the states of ``ids``, in the order of ids.
        lock_places: Locks the due rows of ``ids``, whose states are locked: a claim looks at them
            alone.
        lock_free: Locks those states of ``ids`` that nobody else has locked, and returns the ids.
        lease: Finds the endpoints that ``tokens`` hold, and locks the leases, in the order of the
            endpoints' ids: so two who end the same leases cannot wait for each other.
        rows: Reads of ``ids``, in this order, the columns of the endpoint, of its state, of its
            lease, its job's state, and whether it has open hints and triggers. Those are written
            under the lock of its state, so that whoever holds that can rely on the answer.
        hints: Reads the open hints of ``ids``.
        triggers: Reads the open triggers of ``ids``.

    Open is what has not been ended, nor has lapsed at ``now`` (see ``policies.lapsing``).
    """

    lock: Select[Any]
    lock_places: Select[Any]
    lock_free: Select[Any]
    lease: Select[Any]
    rows: Select[Any]
    hints: Select[Any]
    triggers: Select[Any]


@cache
def situation_statements(dialect: str) -> SituationStatements:
    """Return the statements for a dialect."""
    states = (
        select(endpoint_state.c.endpoint_id)
        .where(among(endpoint_state.c.endpoint_id, "ids", dialect=dialect))
        .order_by(endpoint_state.c.endpoint_id)
    )
    return SituationStatements(
        lock=states.with_for_update(),
        lock_places=select(due.c.endpoint_id)
        .join(
            endpoint_state,
            (endpoint_state.c.endpoint_id == due.c.endpoint_id)
            & (endpoint_state.c.due_at == due.c.due_at),
        )
        .where(among(endpoint_state.c.endpoint_id, "ids", dialect=dialect))
        .with_for_update(of=due),
        lock_free=states.with_for_update(skip_locked=True),
        lease=select(leases.c.token, leases.c.endpoint_id)
        .where(among(leases.c.token, "tokens", dialect=dialect))
        .order_by(leases.c.endpoint_id)
        .with_for_update(),
        rows=_rows(dialect),
        hints=select(hints)
        .join(endpoints, endpoints.c.id == hints.c.endpoint_id)
        .join(endpoint_state, endpoint_state.c.endpoint_id == hints.c.endpoint_id)
        .where(among(hints.c.endpoint_id, "ids", dialect=dialect), *_open_hint(dialect))
        .order_by(hints.c.created_at, hints.c.id),
        triggers=select(triggers)
        .join(endpoints, endpoints.c.id == triggers.c.endpoint_id)
        .join(endpoint_state, endpoint_state.c.endpoint_id == triggers.c.endpoint_id)
        .where(among(triggers.c.endpoint_id, "ids", dialect=dialect), *_open_trigger(dialect))
        .order_by(triggers.c.at, triggers.c.id),
    )


def _rows(dialect: str) -> Select[Any]:
    hinted = exists().where(hints.c.endpoint_id == endpoints.c.id, *_open_hint(dialect))
    asked = exists().where(triggers.c.endpoint_id == endpoints.c.id, *_open_trigger(dialect))
    return (
        select(
            *endpoints.c,
            *(column.label(f"state_{column.name}") for column in endpoint_state.c),
            *(column.label(f"lease_{column.name}") for column in leases.c),
            jobs.c.state.label("job_state"),
            hinted.label("hinted"),
            asked.label("asked"),
        )
        .join(jobs, jobs.c.id == endpoints.c.job_id)
        .join(endpoint_state, endpoint_state.c.endpoint_id == endpoints.c.id)
        .outerjoin(leases, leases.c.endpoint_id == endpoints.c.id)
        .where(among(endpoints.c.id, "ids", dialect=dialect))
    )


def _open_hint(dialect: str) -> tuple[ColumnElement[bool], ...]:
    return hints.c.end.is_(None), hints.c.expires_at > _lapsed_until(dialect)


def _open_trigger(dialect: str) -> tuple[ColumnElement[bool], ...]:
    return triggers.c.run_id.is_(None), triggers.c.expires_at > _lapsed_until(dialect)


def _lapsed_until(dialect: str) -> ColumnElement[datetime]:
    earlier = func.min if dialect == "sqlite" else func.least
    return earlier(_NOW, func.coalesce(endpoint_state.c.last_slot, endpoints.c.created_at))
