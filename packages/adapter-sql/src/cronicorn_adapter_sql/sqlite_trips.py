"""
Connections to SQLite whose statements are one trip each to the thread that runs them.

aiosqlite goes there for the cursor, for the statement, for its rows and for the cursor's end. Each
way back waits until the loop leaves the interpreter to another thread, which it does after 5 ms if
it is busy: trips, not statements, are what a busy process pays for.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import aiosqlite


class _Told(NamedTuple):
    """What a statement has left in its cursor."""

    description: Any
    rowcount: int
    lastrowid: int | None
    rows: list[Any]


class OneTripCursor:
    """A cursor as SQLAlchemy drives it: all there is to know comes back with the statement."""

    def __init__(self, connection: "OneTripConnection") -> None:
        self._connection = connection
        self._told = _Told(None, -1, None, [])
        self.arraysize = 1

    @property
    def description(self) -> Any:
        """The columns of the rows; None: it returns none."""
        return self._told.description

    @property
    def rowcount(self) -> int:
        """How many rows were written; -1: it wrote none."""
        return self._told.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number of the last row that was inserted."""
        return self._told.lastrowid

    async def __aenter__(self) -> Self:
        """Begin; there is nothing to do."""
        return self

    async def execute(self, operation: str, parameters: Iterable[Any] = ()) -> Self:
        """Run a statement and bring its rows."""
        self._told = await self._connection.ran("execute", operation, parameters)
        return self

    async def executemany(self, operation: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Run a statement once for each of the parameters."""
        self._told = await self._connection.ran("executemany", operation, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows."""
        return self._told.rows

    async def close(self) -> None:
        """End; there is nothing left open."""


class OneTripConnection(aiosqlite.Connection):
    """A connection with such cursors."""

    def cursor(self) -> OneTripCursor:  # type: ignore[override]
        """Return a cursor."""
        return OneTripCursor(self)

    async def ran(self, how: str, operation: str, parameters: Any) -> _Told:
        """Run a statement in the connection's thread, to its last row."""
        in_its_thread: Callable[..., Awaitable[_Told]] = self._execute
        return await in_its_thread(_run, self._conn, how, operation, parameters)


def connecting(path: Path, *, timeout: float) -> Callable[[], Awaitable[OneTripConnection]]:
    """Return what opens a connection to a file; it waits ``timeout`` seconds for a lock."""

    def connect() -> sqlite3.Connection:
        # A connection that is thrown away is closed by whichever thread that happens in.
        return sqlite3.connect(path, timeout=timeout, check_same_thread=False)

    async def opened() -> OneTripConnection:
        connection = OneTripConnection(connect, iter_chunk_size=64)
        connection._thread.daemon = True  # noqa: SLF001  as SQLAlchemy does: it ends with the process
        await connection
        return connection

    return opened


def _run(connection: sqlite3.Connection, how: str, operation: str, parameters: Any) -> _Told:
    cursor = connection.cursor()
    try:
        getattr(cursor, how)(operation, parameters)
        rows = [] if cursor.description is None else cursor.fetchall()
        return _Told(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        cursor.close()
