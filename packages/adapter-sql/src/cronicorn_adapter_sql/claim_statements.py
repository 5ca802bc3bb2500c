"""
The statements that pick due endpoints, and keep others from picking them, too.

An endpoint is picked by locking two rows: the due row, so that no other claim takes it, and its
state, so that no writer plans it meanwhile; both skip what is locked, so that a claim never waits.
They are plain limited selects: the limit inside an ``UPDATE … WHERE id IN (SELECT … LIMIT n FOR
UPDATE SKIP LOCKED)`` may be applied again and again by a nested loop, and then leases more than
``n``.

When no more is due than fits, the oldest are taken, whoever owns them. Only under a backlog do
tenants come in turn: each gets an equal share, its longest overdue first, and what is left goes to
the oldest. Tenants are found by stepping through the index from one to the next, so a backlog of
one costs nothing.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BindParameter, TextualSelect, bindparam, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.column_types import UtcDateTime

TENANTS_AT_ONCE: Final = 100
"""So many tenants come in turn within one claim; the others are the first of the next."""

_NOW = bindparam("now", type_=UtcDateTime())


async def pick_due(connection: AsyncConnection, *, now: datetime, limit: int) -> list[UUID]:
    """Pick up to ``limit`` due endpoints, in no order, and lock them."""
    if connection.dialect.name == "sqlite":
        return await _fetch(connection, _SQLITE_IN_TURN, now=now, limit=limit)
    waiting = await connection.execute(_BACKLOG, {"now": now, "limit": limit})
    if waiting.scalar_one() <= limit:
        return await _fetch(connection, _OLDEST, now=now, limit=limit)
    return await _pick_in_turn(connection, now=now, limit=limit)


async def _pick_in_turn(connection: AsyncConnection, *, now: datetime, limit: int) -> list[UUID]:
    given: dict[str, object] = {"now": now, "most": TENANTS_AT_ONCE}
    tenants = [row.tenant for row in await connection.execute(_TENANTS, given)]
    share = max(1, limit // max(1, len(tenants)))
    picked = [
        endpoint_id
        for tenant in tenants[:limit]
        for endpoint_id in await _fetch(
            connection, _OLDEST_OF_TENANT, now=now, limit=share, tenant=tenant
        )
    ]
    left = limit - len(picked)
    if left > 0:
        # Rows that this transaction has locked already are not skipped, so more are asked for.
        more = await _fetch(connection, _OLDEST, now=now, limit=limit)
        picked += [each for each in more if each not in set(picked)][:left]
    return picked


async def _fetch(
    connection: AsyncConnection, statement: TextualSelect, **parameters: object
) -> list[UUID]:
    return list((await connection.execute(statement, parameters)).scalars())


def _returning_ids(sql: str, *more: BindParameter[UUID]) -> TextualSelect:
    return text(sql).bindparams(_NOW, *more).columns(endpoint_id=UuidType())


_BACKLOG: Final = text(
    "SELECT count(*) FROM (SELECT 1 FROM due WHERE due_at <= :now LIMIT :limit + 1) AS waiting"
).bindparams(_NOW)

_OLDEST: Final = _returning_ids(
    "SELECT d.endpoint_id FROM due AS d"
    " JOIN endpoint_state AS s ON s.endpoint_id = d.endpoint_id"
    " WHERE d.due_at <= :now"
    " ORDER BY d.due_at, d.endpoint_id LIMIT :limit"
    " FOR UPDATE OF d, s SKIP LOCKED"
)

_OLDEST_OF_TENANT: Final = _returning_ids(
    "SELECT d.endpoint_id FROM due AS d"
    " JOIN endpoint_state AS s ON s.endpoint_id = d.endpoint_id"
    " WHERE d.tenant = :tenant AND d.due_at <= :now"
    " ORDER BY d.due_at, d.endpoint_id LIMIT :limit"
    " FOR UPDATE OF d, s SKIP LOCKED",
    bindparam("tenant", type_=UuidType()),
)

_TENANTS: Final = (
    text(
        "WITH RECURSIVE turn AS ("
        " (SELECT tenant, due_at FROM due WHERE due_at <= :now ORDER BY tenant, due_at LIMIT 1)"
        " UNION ALL"
        " SELECT next.tenant, next.due_at FROM turn CROSS JOIN LATERAL ("
        "  SELECT tenant, due_at FROM due WHERE tenant > turn.tenant AND due_at <= :now"
        "  ORDER BY tenant, due_at LIMIT 1) AS next"
        ") SELECT tenant FROM turn ORDER BY due_at LIMIT :most"
    )
    .bindparams(_NOW)
    .columns(tenant=UuidType())
)

_SQLITE_IN_TURN: Final = _returning_ids(
    "SELECT endpoint_id FROM (SELECT endpoint_id, due_at,"
    "  row_number() OVER (PARTITION BY tenant ORDER BY due_at, endpoint_id) AS turn"
    "  FROM due WHERE due_at <= :now) AS ranked"
    " ORDER BY turn, due_at, endpoint_id LIMIT :limit"
)
