# ruff: noqa: S608  names of our own tables and days only
"""
Partitions of runs and their bodies on PostgreSQL, one for each day of slots; SQLite has none.

A partition is made as a table of its own and attached, which locks the default partition for a
moment and not the table that runs are written to. It is left alone where the default partition
holds rows of its day: they stay there, and are deleted row by row. Dropping locks the whole table:
it waits so shortly for that, that those who queue behind it hardly notice.

Each is one statement and one trip: what it locks is free again when the server is done, however
long the process that asked for it has other things to do.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import translated

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
NET_MOST: Final = 64 * 2**20
"""
Bytes in the default partitions, up to which others are attached beside them.

Attaching reads all of them, and keeps runs waiting meanwhile. What is larger (a role that could
make no partitions before) is left as it is: rows are deleted one by one there.
"""
_NET: Final = "pg_relation_size('runs_default') + pg_relation_size('run_bodies_default')"


class SqlHistoryRoom:
    """Makes and drops the partitions of days."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._alone = single_statements(engine)

    async def prepare(self, *, until: datetime, now: datetime) -> int:
        """Make the partitions of the days from ``now`` to ``until`` that are not there."""
        if self._engine.dialect.name == "sqlite":
            return 0
        return await self._each(await self.missing(until=until, now=now), _make)

    async def missing(self, *, until: datetime, now: datetime) -> Sequence[date]:
        """Return the days from ``now`` to ``until`` that have no partitions."""
        if self._engine.dialect.name == "sqlite":
            return ()
        known = await self._days()
        first, last = now.astimezone(UTC).date(), until.astimezone(UTC).date()
        wanted = [first + n * _DAY for n in range((last - first).days + 1)]
        return [day for day in wanted if day not in known]

    async def clear(self, *, before: datetime) -> int:
        """Drop the partitions of days that lie wholly before an instant, and on which none runs."""
        if self._engine.dialect.name == "sqlite":
            return 0
        over = [day for day in await self._days() if _beginning(day + _DAY) <= before]
        return await self._each(sorted(over), _drop)

    async def _days(self) -> set[date]:
        with translated():
            async with read_only(self._engine).connect() as connection:
                found = await connection.execute(text(_PARTITIONS))
                return {date.fromisoformat(name.removeprefix("runs_")) for name in found.scalars()}

    async def _each(
        self,
        days: Sequence[date],
        change: Callable[[AsyncConnection, date], Coroutine[Any, Any, bool]],
    ) -> int:
        changed = 0
        for day in days:
            for _ in range(_TRIES):
                try:
                    changed += await self._change(change, day)
                    break
                except _LeftForLater:
                    await asyncio.sleep(_PAUSE.total_seconds())
        return changed

    async def _change(
        self, change: Callable[[AsyncConnection, date], Coroutine[Any, Any, bool]], day: date
    ) -> bool:
        with translated():
            try:
                async with self._alone.connect() as connection:
                    changed = await change(connection, day)
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
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    " WHERE inhparent = 'runs'::regclass AND relname ~ '^runs_[0-9]{8}$'"
)


async def _make(connection: AsyncConnection, day: date) -> bool:
    first, behind = _beginning(day), _beginning(day + _DAY)
    if await _exists(connection, day):
        return False
    for table in _DIVIDED:
        held = text(
            f"SELECT 1 FROM {table}_default WHERE slot >= :first AND slot < :behind LIMIT 1"
        )
        if (await connection.execute(held, {"first": first, "behind": behind})).first():
            return False
    span = f"FROM ('{first.isoformat()}') TO ('{behind.isoformat()}')"
    parts = {table: f"{table}_{day:%Y%m%d}" for table in _DIVIDED}
    made = [
        f"CREATE TABLE {part} (LIKE {table} INCLUDING ALL) WITH (fillfactor = {_DIVIDED[table]});"
        for table, part in parts.items()
    ]
    # Last, since it is they that lock what others use.
    attached = [
        f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES {span};"
        for table, part in parts.items()
    ]
    await _do(
        connection,
        f"IF to_regclass('{parts['runs']}') IS NULL AND {_NET} <= {NET_MOST} THEN"
        f" {' '.join([*made, *attached])} END IF;",
    )
    return await _exists(connection, day)


async def _drop(connection: AsyncConnection, day: date) -> bool:
    if not await _exists(connection, day):
        return False
    parts = ", ".join(f"{table}_{day:%Y%m%d}" for table in _DIVIDED)
    first, behind = _beginning(day).isoformat(), _beginning(day + _DAY).isoformat()
    await _do(
        connection,
        # A claim writes lease and run in one transaction: who has this lock sees both, or neither.
        f"LOCK TABLE {parts} IN ACCESS EXCLUSIVE MODE;"
        f" IF NOT EXISTS (SELECT FROM leases WHERE slot >= '{first}' AND slot < '{behind}') THEN"
        f" DROP TABLE {parts}; END IF;",
    )
    return not await _exists(connection, day)


async def _do(connection: AsyncConnection, body: str) -> None:
    """Do several things as one statement, alone, and with little patience for locks."""
    await connection.exec_driver_sql(
        f"DO $$ BEGIN PERFORM set_config('lock_timeout', '{_PATIENCE}', true);"
        f" IF NOT pg_try_advisory_xact_lock({_OURS}) THEN"
        " RAISE lock_not_available USING MESSAGE = 'another process makes or drops partitions';"
        f" END IF; {body} END $$"
    )


async def _exists(connection: AsyncConnection, day: date) -> bool:
    """Look once more, as another process may have been first."""
    looked_up = text("SELECT to_regclass(:name) IS NOT NULL")
    found: bool = (await connection.execute(looked_up, {"name": f"runs_{day:%Y%m%d}"})).scalar_one()
    return found


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
