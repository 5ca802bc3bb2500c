# ruff: noqa: S608  names of our own tables and days only
"""
Partitions of runs and their bodies on PostgreSQL, one for each day of slots; SQLite has none.

A partition is made as a table of its own and attached, which locks the default partition for a
moment and not the table that runs are written to. It is left alone where the default partition
holds rows of its day: they stay there, and are deleted row by row. A large default partition is
first proven to hold none of the day (`large_default`). Dropping locks the whole table: it waits so
shortly for that, that those who queue behind it hardly notice.

After a restore of some tables a partition may be there without being attached: it is attached then,
with what it holds.

Each is one statement and one trip: what it locks is free again when the server is done, however
long the process that asked for it has other things to do.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql import large_default
from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.large_default import beginning, within

_PATIENCE: Final = "50ms"
"""So long a lock is waited for; claims that queue behind the wait are no later than that."""
_TRIES: Final = 5
_PAUSE: Final = timedelta(milliseconds=200)
_DAY: Final = timedelta(days=1)
_DIVIDED: Final = {"runs": 50, "run_bodies": 100}
"""
The tables, and how far their pages are filled at first. The end of a run is an update of its row:
with room for it beside the old one, no index is written to again.
"""
_OURS: Final = 0x63726F6E69
"""The key of the advisory lock that lets one process at a time make or drop partitions."""

_Change = Callable[[AsyncConnection], Coroutine[Any, Any, bool]]
_DayChange = Callable[[date, AsyncConnection], Coroutine[Any, Any, bool]]


class SqlHistoryRoom:
    """Makes and drops the partitions of days."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._alone = single_statements(engine)

    async def prepare(self, *, until: datetime, now: datetime) -> int:
        """Make the partitions of the days from ``now`` to ``until`` that are not there."""
        if self._engine.dialect.name == "sqlite":
            return 0
        days = await self.missing(until=until, now=now)
        if not days:
            return 0
        await self._tried(_lift)
        if await self._is_small():
            return await self._each(days, _make)
        soonest = now + large_default.AHEAD
        return await self._make_beside_many([day for day in days if beginning(day) >= soonest])

    async def _make_beside_many(self, days: Sequence[date]) -> int:
        """Make partitions beside a large default one, which is read while runs are written."""
        try:
            await self._each(days, _assume_empty)
            await self._prove()
            return await self._each(days, _make)
        finally:
            await self._tried(_lift)

    async def missing(self, *, until: datetime, now: datetime) -> Sequence[date]:
        """Return the days from ``now`` to ``until`` that have no partitions."""
        if self._engine.dialect.name == "sqlite":
            return ()
        attached = await self._attached()
        first, last = now.astimezone(UTC).date(), until.astimezone(UTC).date()
        wanted = [first + n * _DAY for n in range((last - first).days + 1)]
        return [day for day in wanted if not all((table, day) in attached for table in _DIVIDED)]

    async def clear(self, *, before: datetime) -> int:
        """Drop the partitions of days that lie wholly before an instant, and on which none runs."""
        if self._engine.dialect.name == "sqlite":
            return 0
        over = {day for _, day in await self._attached() if beginning(day + _DAY) <= before}
        return await self._each(sorted(over), _drop)

    async def _attached(self) -> set[tuple[str, date]]:
        with translated():
            async with read_only(self._engine).connect() as connection:
                found = await connection.execute(text(_PARTITIONS))
                return {(table, date.fromisoformat(day)) for table, day in found}

    async def _is_small(self) -> bool:
        with translated():
            async with read_only(self._engine).connect() as connection:
                found = await connection.execute(text(f"SELECT {large_default.is_small()}"))
                small: bool = found.scalar_one()
                return small

    async def _prove(self) -> None:
        """Read the default partitions for rows of the days that were assumed to have none there."""
        with translated():
            async with self._engine.begin() as connection:
                found = await connection.execute(text(large_default.UNPROVEN))
                for statement in large_default.validated([(net, name) for net, name in found]):
                    await connection.exec_driver_sql(_PROOF_MOST)
                    await connection.exec_driver_sql(statement)

    async def _each(self, days: Sequence[date], change: _DayChange) -> int:
        return sum([await self._tried(partial(change, day)) for day in days])

    async def _tried(self, change: _Change) -> bool:
        for _ in range(_TRIES):
            try:
                return await self._change(change)
            except _LeftForLater:
                await asyncio.sleep(_PAUSE.total_seconds())
        return False

    async def _change(self, change: _Change) -> bool:
        with translated():
            try:
                async with self._alone.connect() as connection:
                    changed = await change(connection)
                    await connection.commit()
                    return changed
            except DBAPIError as error:
                if isinstance(error.orig, _NOT_NOW):
                    raise _LeftForLater from error
                raise


class _LeftForLater(Exception):
    """Somebody else is at it, or holds what is needed."""


_NOT_NOW: Final = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.CheckViolation,  # a row of the day came into the default partition meanwhile
)

_PARTITIONS: Final = (
    "SELECT inhparent::regclass::text, right(relname, 8)"
    " FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    " WHERE inhparent IN ('runs'::regclass, 'run_bodies'::regclass)"
    " AND relname ~ '_[0-9]{8}$'"
)
_PROOF_MOST: Final = (
    f"SET LOCAL statement_timeout = {large_default.PROOF_MOST // timedelta(milliseconds=1)}"
)


async def _make(day: date, connection: AsyncConnection) -> bool:
    if await _is_held(connection, day):
        return False
    span = f"FROM ('{beginning(day).isoformat()}') TO ('{beginning(day + _DAY).isoformat()}')"
    made = [
        f"CREATE TABLE IF NOT EXISTS {part} (LIKE {table} INCLUDING ALL)"
        f" WITH (fillfactor = {_DIVIDED[table]});"
        for table, part in _parts(day).items()
    ]
    # Last, since it is they that lock what others use.
    attached = [
        f"IF NOT {_is_attached(part)} THEN"
        f" ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES {span}; END IF;"
        for table, part in _parts(day).items()
    ]
    before = await _is_complete(connection, day)
    await _do(
        connection,
        f"IF {large_default.is_small()} OR {large_default.is_proven(day)} THEN"
        f" {' '.join([*made, *attached])} END IF;",
    )
    return not before and await _is_complete(connection, day)


async def _assume_empty(day: date, connection: AsyncConnection) -> bool:
    if await _is_held(connection, day):
        return False
    await _do(connection, large_default.assumed(day))
    return True


async def _lift(connection: AsyncConnection) -> bool:
    found = await connection.exec_driver_sql(large_default.CONSTRAINTS)
    if not found.all():
        return False
    await _do(connection, large_default.LIFTED)
    return True


async def _drop(day: date, connection: AsyncConnection) -> bool:
    parts = [part for part in _parts(day).values() if await _is_there(connection, part)]
    if not parts:
        return False
    named, first, behind = ", ".join(parts), beginning(day), beginning(day + _DAY)
    await _do(
        connection,
        # A claim writes lease and run in one transaction: who has this lock sees both, or neither.
        f"LOCK TABLE {named} IN ACCESS EXCLUSIVE MODE;"
        f" IF NOT EXISTS (SELECT FROM leases WHERE slot >= '{first.isoformat()}'"
        f" AND slot < '{behind.isoformat()}') THEN DROP TABLE {named}; END IF;",
    )
    return not await _is_there(connection, parts[0])


async def _do(connection: AsyncConnection, body: str) -> None:
    """Do several things as one statement, alone, and with little patience for locks."""
    await connection.exec_driver_sql(
        f"DO $$ BEGIN PERFORM set_config('lock_timeout', '{_PATIENCE}', true);"
        f" IF NOT pg_try_advisory_xact_lock({_OURS}) THEN"
        " RAISE lock_not_available USING MESSAGE = 'another process makes or drops partitions';"
        f" END IF; {body} END $$"
    )


def _parts(day: date) -> dict[str, str]:
    """Name the partitions of a day, by their tables."""
    return {table: f"{table}_{day:%Y%m%d}" for table in _DIVIDED}


def _is_attached(part: str) -> str:
    return f"EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('{part}'))"


async def _is_held(connection: AsyncConnection, day: date) -> bool:
    """Say whether rows of a day lie in the default partitions."""
    for table in _DIVIDED:
        held = f"SELECT 1 FROM {table}_default WHERE {within(day)} LIMIT 1"
        if (await connection.exec_driver_sql(held)).first():
            return True
    return False


async def _is_complete(connection: AsyncConnection, day: date) -> bool:
    """Look once more, as another process may have been first."""
    asked = " AND ".join(_is_attached(part) for part in _parts(day).values())
    complete: bool = (await connection.exec_driver_sql(f"SELECT {asked}")).scalar_one()
    return complete


async def _is_there(connection: AsyncConnection, part: str) -> bool:
    looked_up = text("SELECT to_regclass(:name) IS NOT NULL")
    found: bool = (await connection.execute(looked_up, {"name": part})).scalar_one()
    return found
