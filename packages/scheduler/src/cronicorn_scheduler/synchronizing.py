"""Keeps the clock at the time that all workers share."""

import asyncio
from datetime import timedelta

from cronicorn_domain.ports.clock import Clock

from cronicorn_scheduler.outages import Line


class Synchronizing:
    """Measures the clock before anything else happens, and again within a minute."""

    name = "synchronize"

    def __init__(self, *, clock: Clock, line: Line, every: timedelta) -> None:
        self._clock = clock
        self._line = line
        self._every = every
        self._measured = asyncio.Event()

    async def run(self) -> None:
        """Measure, for ever; while that is not possible the last measurement stands."""
        while True:
            if await self._measure():
                self._measured.set()
                await self._clock.sleep_until(self._clock.now() + self._every)

    async def measured(self) -> None:
        """Return when the clock was measured once: before that its instants mean nothing."""
        await self._measured.wait()

    async def _measure(self) -> bool:
        async with self._line:
            await self._clock.synchronize()
            return True
        return False
