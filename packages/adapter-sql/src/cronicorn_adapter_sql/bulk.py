# ruff: noqa: S608  names of our own tables and columns only
"""
Writes many rows by one statement, with the least that the client has to do for each.

On PostgreSQL the rows travel as one JSON document, which the server takes apart: to bind an array
for each column costs psycopg ten times as much as to write the document. On SQLite the driver runs
the statement for each row. Either goes past SQLAlchemy's compiling and binding, which would cost
more than everything else in a batch; its connection, transaction and errors stay.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import orjson
from cronicorn_domain.errors import StoreRefused
from sqlalchemy import Column, Table
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.mapping_jobs import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """
    A statement about many rows.

    Attributes:
        columns: What is taken of a row, in the order of SQLite's parameters. A row may hold more.
        postgresql: The statement that reads all rows from the parameter ``rows``.
        sqlite: The statement for one row.
    """

    columns: Sequence[str]
    postgresql: str
    sqlite: str

    async def run(
        self, connection: AsyncConnection, rows: Sequence[Values], **more: datetime
    ) -> None:
        """
        Write the rows; without any nothing is done.

        ``more`` are further parameters, which only PostgreSQL's statement has.

        Raises:
            StoreRefused: a value cannot be sent; the driver's own errors come as they are.
        """
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            given = [tuple(map(sqlite_value, map(row.__getitem__, self.columns))) for row in rows]
            await connection.exec_driver_sql(self.sqlite, given)
        else:
            await connection.exec_driver_sql(self.postgresql, {"rows": document(rows), **more})


def insertion(table: Table, names: Sequence[str], *, more: str = "") -> Bulk:
    """Return what inserts rows; ``more`` is what follows, such as ON CONFLICT."""
    columns = ", ".join(names)
    target = f"INSERT INTO {table.name} ({columns})"
    return Bulk(
        columns=names,
        postgresql=f"{target} SELECT {columns} FROM {recordset(columns_of(table, names))} {more}",
        sqlite=f"{target} VALUES ({', '.join('?' for _ in names)}) {more}",
    )


def changing(table: Table, names: Sequence[str], *, keys: Sequence[str], more: str = "") -> Bulk:
    """Return what sets columns of the rows with these keys; ``more`` are further settings."""
    given = recordset(columns_of(table, [*names, *keys]))
    settings = ", ".join(f"{name} = given.{name}" for name in names)
    found = " AND ".join(f"{table.name}.{key} = given.{key}" for key in keys)
    one = ", ".join(f"{name} = ?" for name in names)
    return Bulk(
        columns=[*names, *keys],
        postgresql=f"UPDATE {table.name} SET {settings}{more} FROM {given} WHERE {found}",
        sqlite=f"UPDATE {table.name} SET {one}{more}"
        f" WHERE {' AND '.join(f'{key} = ?' for key in keys)}",
    )


def removal(table: Table, *, keys: Sequence[str]) -> Bulk:
    """Return what deletes the rows with these keys."""
    found = " AND ".join(f"{table.name}.{key} = given.{key}" for key in keys)
    given = recordset(columns_of(table, keys))
    return Bulk(
        columns=keys,
        postgresql=f"DELETE FROM {table.name} USING {given} WHERE {found}",
        sqlite=f"DELETE FROM {table.name} WHERE {' AND '.join(f'{key} = ?' for key in keys)}",
    )


def columns_of(table: Table, names: Iterable[str]) -> dict[str, str]:
    """Return the types of columns on PostgreSQL, by their names."""
    return {name: _type_of(table.c[name]) for name in names}


def recordset(columns: dict[str, str], *, rows: str = "rows") -> str:
    """Return what PostgreSQL reads rows of these columns from: the parameter, named ``given``."""
    definitions = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"json_to_recordset(%({rows})s::json) AS given({definitions})"


async def ask(
    connection: AsyncConnection, statement: str, given: Mapping[str, Any] | tuple[Any, ...]
) -> Sequence[Sequence[Any]]:
    """Run a statement of the driver's own and return its rows, as the driver reads them."""
    found: Sequence[Sequence[Any]] = (await connection.exec_driver_sql(statement, given)).all()
    return found


def document(rows: Sequence[Values]) -> str:
    """
    Write rows as the JSON document in which PostgreSQL gets them.

    Raises:
        StoreRefused: a value has no place in one.
    """
    try:
        return orjson.dumps(rows).decode()
    except orjson.JSONEncodeError as error:
        raise StoreRefused("a value cannot be stored: it is no clean text or number") from error


def sqlite_value(value: Any) -> Any:
    """Return a value as the columns of SQLite keep it; what SQLite knows itself stays as it is."""
    written = _WRITTEN_ON_SQLITE.get(type(value))
    return value if written is None else written(value)


def _instant_on_sqlite(instant: datetime) -> str:
    """Write as UtcDateTime does: text of fixed width, in UTC, and so without its +00:00."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat(sep=" ", timespec="microseconds")[:-6]


_WRITTEN_ON_SQLITE: Final[Mapping[type, Callable[[Any], str]]] = {
    datetime: _instant_on_sqlite,
    UUID: attrgetter("hex"),
    list: lambda document: orjson.dumps(document).decode(),
}


def _type_of(column: Column[Any]) -> str:
    kind: str = column.type.compile(dialect=_POSTGRESQL)
    return _SHORT.get(kind, kind)  # hot statements are to be short


_SHORT: Final = {
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "VARCHAR": "TEXT",
    "BIGINT": "INT8",
    "INTEGER": "INT",
    "BOOLEAN": "BOOL",
}
_POSTGRESQL: Final[Dialect] = make_url("postgresql+psycopg://").get_dialect()()
