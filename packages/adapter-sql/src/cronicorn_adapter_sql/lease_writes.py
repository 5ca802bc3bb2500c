# ruff: noqa: S608  names of our own tables and columns only
"""
Writes what a claim decided: leases in the place of due rows, and the runs as running.

On PostgreSQL it is one statement for the batch. On SQLite the tokens come with the leases, which
are therefore one statement, too; the rest is run for each row.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from cronicorn_domain.identity import Token
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.bulk import ask, columns_of, document, insertion, recordset, sqlite_value
from cronicorn_adapter_sql.changes import TAKE_OUT
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.tables import leases, runs


async def write_leases(connection: AsyncConnection, made: Sequence[Values]) -> Mapping[UUID, Token]:
    """
    Write a lease and a run for each row, and take the endpoint's row out of `due`.

    A row holds the columns of both (those that they share have one value), and as ``taken_at`` the
    instant of its row in `due`. Return the tokens by endpoint.
    """
    if not made:
        return {}
    if connection.dialect.name == "sqlite":
        return await _write_on_sqlite(connection, made)
    found = await ask(connection, CLAIM, {"rows": document(made)})
    return {endpoint_id: Token(token) for endpoint_id, token in found}


async def _write_on_sqlite(
    connection: AsyncConnection, made: Sequence[Values]
) -> Mapping[UUID, Token]:
    await TAKE_OUT.run(connection, [{**row, "due_at": row["taken_at"]} for row in made])
    rows = [{name: sqlite_value(row[name]) for name in _LEASE} for row in made]
    found = await ask(connection, _LEASE_ON_SQLITE, (document(rows),))
    tokens = {UUID(endpoint_id): Token(token) for endpoint_id, token in found}
    await _BEGIN_RUN.run(connection, made)
    return tokens


_LEASE: Final = ("endpoint_id", "tenant", "host", "run_id", "slot", "worker", "until", "urgent")
_RUN: Final = (
    "id",
    "slot",
    "endpoint_id",
    "tenant",
    "attempt",
    "kind",
    "source",
    "due_at",
    "trail",
    "worker",
    "claimed_at",
    "status",
)
_BEGIN_RUN: Final = insertion(runs, _RUN)

_GIVEN: Final = recordset(
    {**columns_of(runs, _RUN), **columns_of(leases, _LEASE), "taken_at": "TIMESTAMPTZ"}
)
CLAIM: Final = (
    # What is given is taken apart once. Only who takes the due row away gets a lease.
    f"WITH taken AS MATERIALIZED (SELECT given.*, d.place FROM {_GIVEN}"
    " CROSS JOIN LATERAL (SELECT ctid AS place FROM due"
    " WHERE due_at = given.taken_at AND endpoint_id = given.endpoint_id FOR UPDATE) AS d),"
    " gone AS (DELETE FROM due WHERE ctid = ANY (ARRAY(SELECT place FROM taken))),"
    f" begun AS (INSERT INTO runs ({', '.join(_RUN)}) SELECT {', '.join(_RUN)} FROM taken)"
    f" INSERT INTO leases ({', '.join(_LEASE)}) SELECT {', '.join(_LEASE)} FROM taken"
    " RETURNING endpoint_id, token"
)
_EXTRACTED: Final = ", ".join(f"json_extract(value, '$.{name}')" for name in _LEASE)
_LEASE_ON_SQLITE: Final = (
    f"INSERT INTO leases ({', '.join(_LEASE)}) SELECT {_EXTRACTED} FROM json_each(?)"
    " RETURNING endpoint_id, token"
)
