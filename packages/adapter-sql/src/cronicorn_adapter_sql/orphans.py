# ruff: noqa: S608  names of our own tables and columns only
"""
Places in the queue and leases that belong to nobody: what somebody deleted or doubled by hand.

A place belongs to an endpoint without a lease whose state points to it. It is named by its whole
key, and one that somebody else has locked is left alone: so who clears one away neither looks for
it through all of `due`, nor waits for a claim that may be waiting for this one.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import Delete, delete, exists
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.bulk import ask, columns_of, document, recordset, sqlite_value
from cronicorn_adapter_sql.tables import due, endpoint_state, leases

Place = tuple[datetime, UUID]
"""The key of a place in the queue: its instant, and its endpoint."""


async def take_out_unknown(connection: AsyncConnection, places: Iterable[Place]) -> set[Place]:
    """Take those of the places out of the queue that no endpoint knows of, and return them."""
    if connection.dialect.name == "sqlite":
        return {each for each in places if await _took_out_on_sqlite(connection, each)}
    rows = [{"due_at": due_at, "endpoint_id": endpoint_id} for due_at, endpoint_id in places]
    if not rows:
        return set()
    gone = await ask(connection, _TAKE_OUT, {"rows": document(rows)})
    return {(due_at, endpoint_id) for due_at, endpoint_id in gone}


async def _took_out_on_sqlite(connection: AsyncConnection, place: Place) -> bool:
    given = tuple(map(sqlite_value, place))
    return bool((await connection.exec_driver_sql(_TAKE_OUT_ON_SQLITE, given)).rowcount)


@cache
def leases_of_nobody(dialect: str) -> Delete:
    """Take those leases of ``tokens`` away whose endpoint is not there."""
    there = exists().where(endpoint_state.c.endpoint_id == leases.c.endpoint_id)
    return delete(leases).where(among(leases.c.token, "tokens", dialect=dialect), ~there)


_UNKNOWN: Final = (
    "(NOT EXISTS (SELECT 1 FROM endpoint_state AS s"
    " WHERE s.endpoint_id = due.endpoint_id AND s.due_at = due.due_at)"
    " OR EXISTS (SELECT 1 FROM leases AS l WHERE l.endpoint_id = due.endpoint_id))"
)
_TAKE_OUT: Final = (
    "WITH unknown AS MATERIALIZED (SELECT one.place FROM"
    f" {recordset(columns_of(due, ('due_at', 'endpoint_id')))} CROSS JOIN LATERAL ("
    "SELECT ctid AS place FROM due"
    " WHERE due.due_at = given.due_at AND due.endpoint_id = given.endpoint_id"
    f" AND {_UNKNOWN} FOR UPDATE SKIP LOCKED) AS one)"
    " DELETE FROM due WHERE ctid = ANY (ARRAY(SELECT place FROM unknown))"
    " RETURNING due_at, endpoint_id"
)
_TAKE_OUT_ON_SQLITE: Final = f"DELETE FROM due WHERE due_at = ? AND endpoint_id = ? AND {_UNKNOWN}"
