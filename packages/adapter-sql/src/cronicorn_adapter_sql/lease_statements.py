"""The statements about live leases; each is built once for a dialect."""

from functools import cache

from sqlalchemy import Delete, Select, Update, bindparam, delete, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.tables import leases


@cache
def renewal(dialect: str) -> ReturningUpdate[int]:
    """
    Prolong those of ``tokens`` that nobody is at work on, to ``until``, and return them.

    A renewal waits for nobody: one lease that is being ended, and cannot be as long as a person
    edits its endpoint, would have all the others run out.
    """
    held = (
        select(leases.c.token)
        .where(among(leases.c.token, "tokens", dialect=dialect))
        .with_for_update(skip_locked=True)
        .cte("held")
    )
    return (
        update(leases)
        .where(leases.c.token.in_(select(held.c.token)))
        .values(until=bindparam("until", type_=UtcDateTime()))
        .returning(leases.c.token)
    )


@cache
def living(dialect: str) -> Select[int]:
    """Select those of ``tokens`` that there are."""
    return select(leases.c.token).where(among(leases.c.token, "tokens", dialect=dialect))


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
