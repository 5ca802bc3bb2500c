"""The statements about live leases; each is built once for a dialect."""

from functools import cache

from sqlalchemy import Delete, Update, bindparam, delete, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.tables import leases


@cache
def renewal(dialect: str) -> ReturningUpdate[int]:
    """
    Prolong ``tokens`` to ``until``, and return those that there were.

    The leases are locked in the order of their endpoints first, as whoever ends leases does:
    a renewal and a settle of the same leases in different orders would wait for each other.
    """
    held = (
        select(leases.c.token)
        .where(among(leases.c.token, "tokens", dialect=dialect))
        .order_by(leases.c.endpoint_id)
        .with_for_update()
        .cte("held")
    )
    return (
        update(leases)
        .where(leases.c.token.in_(select(held.c.token)))
        .values(until=bindparam("until", type_=UtcDateTime()))
        .returning(leases.c.token)
    )


@cache
def mark_of_start(dialect: str) -> Update:
    """Mark ``tokens``, which are locked, as started at ``started_at``."""
    return (
        update(leases)
        .where(among(leases.c.token, "tokens", dialect=dialect))
        .values(started_at=bindparam("started_at", type_=UtcDateTime()))
    )


@cache
def ending(dialect: str) -> Delete:
    """Delete ``tokens``, which are locked."""
    return delete(leases).where(among(leases.c.token, "tokens", dialect=dialect))
