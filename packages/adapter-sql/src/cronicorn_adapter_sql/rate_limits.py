"""
Rate limits on SQL: a row for each bucket that is not full, locked while it is taken from.

Most buckets that are asked are full, and of a full one it is known what is to be written: then one
statement does it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cronicorn_domain.model.rate import Rate, Taken
from cronicorn_domain.policies import rating
from sqlalchemy import Executable, bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.engine import single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.tables import rate_limits

_COLUMNS: Final = rate_limits.c


class SqlRateLimits:
    """Until when the buckets of one database are not full; each call is a transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._single = single_statements(engine)

    async def take(self, subject: str, rate: Rate, *, now: datetime, wanted: int = 1) -> Taken:
        """Take as many permissions as there are; who takes at the same moment waits."""
        with translated():
            of_full = rating.take(now, rate, wanted=wanted, now=now)
            if await self._was_full(subject, of_full.full_at, now):
                return of_full
            async with self._engine.begin() as connection:
                stood = await _locked(connection, subject, now)
                taken = rating.take(stood, rate, wanted=wanted, now=now)
                if taken.full_at != stood:
                    changed = update(rate_limits).where(_COLUMNS.subject == subject)
                    await connection.execute(changed.values(full_at=taken.full_at))
        return taken

    async def _was_full(self, subject: str, taken: datetime, now: datetime) -> bool:
        """Write what a full bucket is taken to, if it is full."""
        given = {"subject": subject, "full_at": taken, "now": now}
        async with self._single.begin() as connection:
            written = await connection.execute(_OF_FULL[self._engine.dialect.name], given)
            return written.first() is not None

    async def forget(self, *, now: datetime) -> int:
        """Forget the buckets that are full again."""
        full = delete(rate_limits).where(_COLUMNS.full_at <= now).returning(_COLUMNS.subject)
        with translated():
            async with self._single.begin() as connection:
                return len((await connection.execute(full)).all())


async def _locked(connection: AsyncConnection, subject: str, now: datetime) -> datetime:
    """Lock a bucket and say when it is full; one that nobody took from is so now."""
    row = {"subject": subject, "full_at": now}
    stood: datetime = (await connection.execute(_ROW[connection.dialect.name], row)).scalar_one()
    return stood


def _row(table: postgresql.Insert | sqlite.Insert) -> Executable:
    # A conflict has to change something, or it returns no row: the row becomes what it is.
    same = {"full_at": _COLUMNS.full_at}
    kept = table.on_conflict_do_update(index_elements=[_COLUMNS.subject], set_=same)
    return kept.returning(_COLUMNS.full_at)


def _of_full(table: postgresql.Insert | sqlite.Insert) -> Executable:
    """Write a row unless there is one that is not full; that it did is told by returning it."""
    given = {name: bindparam(name, type_=_COLUMNS[name].type) for name in ("subject", "full_at")}
    full = _COLUMNS.full_at <= bindparam("now", type_=_COLUMNS.full_at.type)
    written = table.values(given)
    return written.on_conflict_do_update(
        index_elements=[_COLUMNS.subject], set_={"full_at": written.excluded.full_at}, where=full
    ).returning(_COLUMNS.subject)


_INSERTS: Final[Mapping[str, postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert(rate_limits),
    "sqlite": sqlite.insert(rate_limits),
}
_ROW: Final = {name: _row(table) for name, table in _INSERTS.items()}
_OF_FULL: Final = {name: _of_full(table) for name, table in _INSERTS.items()}
