# ruff: noqa: S608  names of our own tables and columns only
"""The statements about live leases; each is built once for a dialect."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Final

from cronicorn_domain.identity import RunId, Token
from sqlalchemy import (
    Integer,
    Select,
    Update,
    bindparam,
    case,
    false,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.tables import hints, leases


@cache
def renewal(dialect: str) -> ReturningUpdate[int]:
    """
    Prolong those of ``tokens`` that nobody is at work on, to ``until``, and return them.

    What was promised stands: a renewal that arrives late shortens nothing.

    A renewal waits for nobody: one lease that is being ended, and cannot be as long as a person
    edits its endpoint, would have all the others run out.
    """
    held = (
        select(leases.c.token)
        .where(among(leases.c.token, "tokens", dialect=dialect))
        .with_for_update(skip_locked=True)
        .cte("held")
    )
    until = bindparam("until", type_=UtcDateTime())
    return (
        update(leases)
        .where(leases.c.token.in_(select(held.c.token)))
        .values(until=case((leases.c.until < until, until), else_=leases.c.until))
        .returning(leases.c.token)
    )


def ended(dialect: str, *, but: Sequence[Token]) -> Select[int, datetime]:
    """
    Select up to ``limit`` leases that ended from ``since`` to ``now``, the oldest first.

    None of ``but`` is among them. Of each there is the token, and when it ended.
    It is refused where a renewal would be, also if it finds none: on PostgreSQL by an update of
    nothing, which takes the lock and the right that renewals need; on SQLite the transaction around
    it has them.
    """
    over = (
        select(leases.c.token, leases.c.until)
        .where(
            leases.c.until >= bindparam("since", type_=UtcDateTime()),
            leases.c.until <= bindparam("now", type_=UtcDateTime()),
        )
        .order_by(leases.c.until, leases.c.token)
        .limit(bindparam("limit", type_=Integer()))
    )
    if but:
        over = over.where(leases.c.token.not_in(but))
    if dialect == "sqlite":
        return over
    nothing = update(leases).where(false()).values(until=leases.c.until)
    return over.add_cte(nothing.cte("nothing"))


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


def freeing(runs: Sequence[RunId]) -> Update:
    """Make pending again what the claims of these runs consumed, but for what was cleared since."""
    cleared = case((hints.c.cleared_at.is_(None), None), else_="cleared")
    return (
        update(hints)
        .where(hints.c.run_id.in_(runs))
        .values(end=cleared, ended_at=hints.c.cleared_at, run_id=None)
    )


_FREE_TO_START: Final = (
    "(l.until > {now}) IS TRUE AND e.archived_at IS NULL AND e.state = 'active'"
    " AND (e.paused_until IS NULL OR e.paused_until <= {now})"
)
START: Final = (
    # Marks ``tokens`` as started at ``now`` where nothing can be against it, and returns them. The
    # others may start all the same: what a trigger fires despite a pause, or whose lease somebody
    # holds locked; who does may be waiting for another of these, and so is not waited for. No join
    # and no other condition is left for which an index could be read as a whole.
    "WITH free AS MATERIALIZED ("
    "SELECT l.token FROM leases AS l CROSS JOIN LATERAL ("
    "SELECT archived_at, paused_until, (SELECT state FROM jobs WHERE id = job_id)"
    " FROM endpoints WHERE id = l.endpoint_id OFFSET 0"
    ") AS e"
    f" WHERE l.token = ANY(%(tokens)s::bigint[]) AND {_FREE_TO_START.format(now='%(now)s')}"
    " FOR UPDATE OF l SKIP LOCKED"
    ") UPDATE leases SET started_at = %(now)s WHERE token = ANY (ARRAY(SELECT token FROM free))"
    " RETURNING token"
)
START_ON_SQLITE: Final = (
    "UPDATE leases SET started_at = ?2 WHERE token IN ("
    "SELECT l.token FROM json_each(?1) AS given JOIN leases AS l ON l.token = given.value"
    " JOIN (SELECT e.id, e.archived_at, e.paused_until, j.state"
    " FROM endpoints AS e JOIN jobs AS j ON j.id = e.job_id) AS e ON e.id = l.endpoint_id"
    f" WHERE {_FREE_TO_START.format(now='?2')}) RETURNING token"
)
