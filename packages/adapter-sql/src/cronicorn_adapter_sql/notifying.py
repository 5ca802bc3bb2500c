"""Tells other processes, by PostgreSQL's NOTIFY, that something may be claimed earlier."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import StoreError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.engine import single_statements
from cronicorn_adapter_sql.errors import translated

CHANNEL: Final = "cronicorn_due"
BETWEEN: Final = timedelta(milliseconds=50)
"""Notifications of one process are at least so far apart: a storm of writes makes few of them."""
_LAST_WORD: Final = timedelta(seconds=1)
"""How long the last one may take when the store is closed; whoever misses it polls."""


class Notifying:
    """
    Sends notifications behind the transactions that give rise to them, and joins what comes close.

    PostgreSQL commits transactions that notify one after another, so ours are of nothing else. They
    carry nothing: whoever hears one looks for itself. One that cannot be sent is not sent again,
    since who waits polls anyway.
    """

    def __init__(self, engine: AsyncEngine, *, between: timedelta = BETWEEN) -> None:
        self._engine = single_statements(engine)
        self._between = between
        self._wanted = False
        self._closing = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """Have the others told, at once or as soon as the last notification is long enough ago."""
        self._wanted = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Send what is still to be told, and end."""
        self._closing.set()
        if self._sending is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD.total_seconds()):
                    await self._sending

    async def _send(self) -> None:
        while self._wanted:
            self._wanted = False
            with suppress(StoreError), translated():
                async with self._engine.begin() as connection:
                    await connection.execute(text(f"NOTIFY {CHANNEL}"))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._between.total_seconds()):
                    await self._closing.wait()
