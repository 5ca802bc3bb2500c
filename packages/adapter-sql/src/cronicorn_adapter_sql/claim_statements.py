"""
The statements that pick due endpoints, and keep others from picking them, too.

An endpoint is picked by locking two rows: the due row, so that no other claim takes it, and its
state, so that no writer plans it meanwhile; both skip what is locked, so that a claim never waits.
They are plain limited selects: the limit inside an ``UPDATE … WHERE id IN (SELECT … LIMIT n FOR
UPDATE SKIP LOCKED)`` may be applied again and again by a nested loop, and then leases more than
``n``.

What this worker cannot run is left out, so that it takes no place in its batches.

When fewer are free than fit, all of them are taken, whoever owns them. Only when the batch is full
do tenants come in turn: each gets an equal share, its longest overdue first, and what is left goes
to the oldest. Tenants are found by stepping through the index from one to the next, so that a
backlog of one costs the others nothing, however long it is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, String, TextualSelect, TypeDecorator, bindparam, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.column_types import UtcDateTime

TENANTS_AT_ONCE: Final = 100
"""So many tenants come in turn within one claim; the others are the first of the next."""

_NOW = bindparam("now", type_=UtcDateTime())


async def pick_due(
    connection: AsyncConnection, *, now: datetime, limit: int, but: Sequence[UUID] = ()
) -> list[UUID]:
    """Pick up to ``limit`` due endpoints, in no order and none of ``but``, and lock them."""
    statements = _STATEMENTS[connection.dialect.name]
    # Mostly nothing is left out, and then nothing is asked about it.
    pick, left = (statements.all, {}) if not but else (statements.all_but, {"but": but})
    oldest = await _fetch(connection, pick.oldest, now=now, limit=limit, **left)
    if len(oldest) < limit:
        return oldest
    found = await connection.execute(_TENANTS, {"now": now, "most": min(limit, TENANTS_AT_ONCE)})
    tenants = list(found.scalars())
    if len(tenants) <= 1:
        return oldest
    # What this transaction has locked already is not skipped: the oldest come again.
    shares = await _fetch(
        connection, pick.shares, now=now, tenants=tenants, share=limit // len(tenants), **left
    )
    return list(dict.fromkeys([*shares, *oldest]))[:limit]


async def _fetch(
    connection: AsyncConnection, statement: TextualSelect, **parameters: object
) -> list[UUID]:
    return list((await connection.execute(statement, parameters)).scalars())


def _returning_ids(sql: str, *more: BindParameter[Any]) -> TextualSelect:
    return text(sql).bindparams(_NOW, *more).columns(endpoint_id=UuidType())


class _JsonIds(TypeDecorator[Sequence[UUID]]):
    """Ids as a JSON list of the text that SQLite keeps them as: its way of giving a set at once."""

    impl = String
    cache_ok = True

    def process_bind_param(
        self,
        value: Sequence[UUID] | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> str:
        """Write the list."""
        return json.dumps([each.hex for each in value or ()])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pick:
    """
    What picks endpoints.

    Attributes:
        oldest: The ``limit`` longest overdue.
        shares: The ``share`` longest overdue of each of ``tenants``.
    """

    oldest: TextualSelect
    shares: TextualSelect


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statements:
    """What picks on a dialect: from all endpoints, or from all but ``but``."""

    all: _Pick
    all_but: _Pick


def _statements(
    *, oldest: str, shares: str, tenants: BindParameter[Any], without: str, but: BindParameter[Any]
) -> _Statements:
    """Build them; ``without`` is the condition that leaves some out, placed before the order."""

    def leaving(sql: str) -> str:
        return sql.replace(" ORDER BY", f" AND {without} ORDER BY", 1)

    return _Statements(
        all=_Pick(oldest=_returning_ids(oldest), shares=_returning_ids(shares, tenants)),
        all_but=_Pick(
            oldest=_returning_ids(leaving(oldest), but),
            shares=_returning_ids(leaving(shares), tenants, but),
        ),
    )


_POSTGRES: Final = _statements(
    oldest=(
        "SELECT d.endpoint_id FROM due AS d"
        " JOIN endpoint_state AS s ON s.endpoint_id = d.endpoint_id"
        " WHERE d.due_at <= :now"
        " ORDER BY d.due_at, d.endpoint_id LIMIT :limit"
        " FOR UPDATE OF d, s SKIP LOCKED"
    ),
    shares=(
        "SELECT one.endpoint_id FROM unnest(:tenants) AS t(tenant) CROSS JOIN LATERAL ("
        " SELECT d.endpoint_id FROM due AS d"
        " JOIN endpoint_state AS s ON s.endpoint_id = d.endpoint_id"
        " WHERE d.tenant = t.tenant AND d.due_at <= :now"
        " ORDER BY d.due_at, d.endpoint_id LIMIT :share"
        " FOR UPDATE OF d, s SKIP LOCKED"
        ") AS one"
    ),
    tenants=bindparam("tenants", type_=ARRAY(UuidType())),
    without="d.endpoint_id <> ALL(:but)",
    but=bindparam("but", type_=ARRAY(UuidType())),
)
_SQLITE: Final = _statements(
    oldest=(
        "SELECT endpoint_id FROM due WHERE due_at <= :now ORDER BY due_at, endpoint_id LIMIT :limit"
    ),
    # Ranking the rows of a tenant would read its whole backlog; the limit within reads the share.
    shares=(
        "SELECT d.endpoint_id FROM json_each(:tenants) AS t CROSS JOIN due AS d WHERE d.rowid IN ("
        " SELECT one.rowid FROM due AS one WHERE one.tenant = t.value AND one.due_at <= :now"
        " ORDER BY one.due_at LIMIT :share)"
    ),
    tenants=bindparam("tenants", type_=_JsonIds()),
    without="endpoint_id NOT IN (SELECT value FROM json_each(:but))",
    but=bindparam("but", type_=_JsonIds()),
)
_STATEMENTS: Final = {"postgresql": _POSTGRES, "sqlite": _SQLITE}

_TENANTS: Final = (
    # What is due is asked of each tenant's first row only: a condition within the steps would have
    # them walk over all rows of a tenant that has nothing due.
    text(
        "WITH RECURSIVE turn(tenant) AS ("
        " SELECT (SELECT tenant FROM due ORDER BY tenant LIMIT 1)"
        " UNION ALL"
        " SELECT (SELECT d.tenant FROM due AS d WHERE d.tenant > turn.tenant"
        "  ORDER BY d.tenant LIMIT 1) FROM turn WHERE turn.tenant IS NOT NULL"
        "), first AS ("
        " SELECT tenant, (SELECT min(d.due_at) FROM due AS d WHERE d.tenant = turn.tenant)"
        "  AS due_at FROM turn WHERE tenant IS NOT NULL"
        ") SELECT tenant FROM first WHERE due_at <= :now ORDER BY due_at, tenant LIMIT :most"
    )
    .bindparams(_NOW)
    .columns(tenant=UuidType())
)
