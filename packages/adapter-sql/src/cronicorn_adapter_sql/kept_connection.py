"""
Keeps a connection from one call to the next, for statements that come many times a second.

To take one from the pool, set it up, and give it back costs as much of the processor as the
statement. Whoever comes while it is in use takes another from the pool. After any error it goes
back there, which sees to what is left of it; and it is closed with the engine.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.engine import single_statements
from cronicorn_adapter_sql.pooler import behind_pooler

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


class KeptConnection:
    """A connection of an engine, which comes back to be used again."""

    def __init__(self, engine: AsyncEngine, *, single: bool = False) -> None:
        """``single``: its statements are a transaction each."""
        self._engine = single_statements(engine) if single else engine
        self._idle: AsyncConnection | None = None
        event.listen(engine.sync_engine, "engine_disposed", self._close)

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AsyncConnection]:
        """Give the connection, or another one if somebody has it."""
        connection, self._idle = self._idle, None
        if connection is None:
            connection = await self._engine.connect()
        try:
            yield connection
        except BaseException:
            await asyncio.shield(connection.close())  # whoever is cancelled gives it back, too
            raise
        if self._idle is None:
            self._idle = connection
        else:
            await connection.close()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Give it within a transaction, which is committed at the end."""
        async with self.use() as connection, connection.begin():
            yield connection

    def _close(self, _: object) -> None:
        """Close it with the engine, whose pool is gone by now and would keep it."""
        connection, self._idle = self._idle, None
        if connection is not None and connection.sync_connection is not None:
            connection.sync_connection.invalidate()
            connection.sync_connection.close()


def kept_statement(engine: AsyncEngine, purpose: str) -> Begin:
    """
    Return what gives a connection for one statement that is a transaction, many times over.

    On SQLite, and behind a pooler, it is within a transaction, where there may be more of them.
    """
    alone = engine.dialect.name != "sqlite" and not behind_pooler(engine)
    return _kept(engine, purpose, single=True).use if alone else kept_transaction(engine, purpose)


def kept_transaction(engine: AsyncEngine, purpose: str) -> Begin:
    """Return what gives a connection within a transaction, many times over."""
    # Behind a pooler a kept connection would be nobody else's.
    kept = not behind_pooler(engine)
    return _kept(engine, purpose, single=False).begin if kept else engine.begin


def _kept(engine: AsyncEngine, purpose: str, *, single: bool) -> KeptConnection:
    """Return the one of an engine for a purpose: however many stores there are over it."""
    key = (engine.sync_engine, purpose)
    if key not in _KEPT:
        _KEPT[key] = KeptConnection(engine, single=single)
        event.listen(engine.sync_engine, "engine_disposed", lambda _: _KEPT.pop(key, None))
    return _KEPT[key]


_KEPT: Final[dict[tuple[Engine, str], KeptConnection]] = {}
