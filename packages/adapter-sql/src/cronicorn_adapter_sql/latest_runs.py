"""
The newest runs of some endpoints, found for each by the index that its slots are unique by.

No window function: it would number all runs that an endpoint has.
"""

from typing import Any, Final

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.decision import Kind
from sqlalchemy import (
    FromClause,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from cronicorn_adapter_sql.among import ArrayText, among
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.lower_bound import FLOOR
from cronicorn_adapter_sql.tables import endpoints, runs

_COLUMNS: Final = (
    runs.c.endpoint_id,
    runs.c.id,
    runs.c.slot,
    runs.c.attempt,
    runs.c.status,
    runs.c.outcome_class,
    runs.c.status_code,
    runs.c.started_at,
    runs.c.finished_at,
)
_NEWEST: Final = (runs.c.slot.desc(), runs.c.attempt.desc())


def latest_of(of: FromClause, dialect: str, tenant: TenantId, limit: int) -> Select[Any]:
    """
    Find the newest runs of the endpoints whose ids are ``of.c.id``, in no order.

    On SQLite all attempts of the last slot come back, which may be more than the limit.
    """
    meant = (runs.c.tenant == tenant, runs.c.kind != Kind.TEST.value)
    if dialect == "sqlite":
        # It has no LATERAL; but it may say for each endpoint where its last slot is.
        last = (
            select(runs.c.slot)
            .where(runs.c.endpoint_id == of.c.id, *meant)
            .order_by(*_NEWEST)
            .limit(1)
            .offset(limit - 1)
            .correlate(of)
            .scalar_subquery()
        )
        since = func.coalesce(last, literal(FLOOR, UtcDateTime())).label("since")
        known = select(of.c.id, since).subquery("known")
        within = and_(runs.c.endpoint_id == known.c.id, runs.c.slot >= known.c.since)
        return select(*_COLUMNS).join_from(known, runs, within).where(*meant)
    newest = select(*_COLUMNS).where(runs.c.endpoint_id == of.c.id, *meant)
    of_one = newest.order_by(*_NEWEST).limit(limit).lateral("of_one")
    return select(of_one).select_from(of.join(of_one, true()))


def latest_of_ids(dialect: str, tenant: TenantId, limit: int) -> Select[Any]:
    """Find the newest runs of the endpoints in ``ids``."""
    if dialect == "sqlite":
        given = select(endpoints.c.id).where(among(endpoints.c.id, "ids", dialect=dialect))
    else:
        ids = cast(bindparam("ids", type_=ArrayText()), ARRAY(endpoints.c.id.type))
        given = select(func.unnest(ids).label("id"))
    return latest_of(given.subquery("given"), dialect, tenant, limit)
