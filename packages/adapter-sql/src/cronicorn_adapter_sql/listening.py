"""Hears, by PostgreSQL's LISTEN, that another process made something claimable earlier."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import psycopg
from cronicorn_domain.errors import StoreError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.engine import single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.notifying import CHANNEL

_RETRY_FIRST: Final = timedelta(milliseconds=100)
_RETRY_MOST: Final = timedelta(seconds=5)


class Listening:
    """
    Keeps one of the pool's connections for listening, and takes a new one when it is lost.

    ``heard`` is called for each notification, and whenever the connection stands (again): what was
    told before that, nobody heard.
    """

    def __init__(self, engine: AsyncEngine, heard: Callable[[], None]) -> None:
        self._engine = single_statements(engine)
        self._heard = heard
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Listen from now on, unless it does already."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        pause = _RETRY_FIRST
        while True:
            began = asyncio.get_running_loop().time()
            with suppress(StoreError), translated():
                await self._hear()
            if asyncio.get_running_loop().time() - began > _RETRY_MOST.total_seconds():
                pause = _RETRY_FIRST
            await asyncio.sleep(pause.total_seconds())
            pause = min(2 * pause, _RETRY_MOST)

    async def _hear(self) -> None:
        async with self._engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            try:
                await connection.execute(text(f"LISTEN {CHANNEL}"))
                self._heard()
                async for _ in driver.notifies():
                    self._heard()
            finally:
                await connection.invalidate()  # whoever had it next would go on listening
