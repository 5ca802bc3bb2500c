"""Rests until something is due, or until somebody knows better."""

import asyncio
from datetime import datetime

from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.wakeups import Wakeups


class Resting:
    """
    Rests that end at an instant, at a wake-up or with the stop, whichever comes first.

    Every due instant of any worker's ends a rest of every worker, so a rest has to be cheap: the
    waits for a wake-up and for the stop outlast it, and only the sleep is begun anew. ``close`` has
    to be called in the end.
    """

    def __init__(self, wakeups: Wakeups, *, clock: Clock, stopping: asyncio.Event) -> None:
        self._wakeups = wakeups
        self._clock = clock
        self._stopping = stopping
        self._signal: asyncio.Task[None] | None = None
        self._stop: asyncio.Task[bool] | None = None

    def arm(self) -> None:
        """
        Have the next rest end at every signal from now on; call it before looking at the queue.

        A wait that is still under way has been listening since an earlier call, and will do.
        """
        if self._signal is not None and self._signal.done():
            self._signal.result()
            self._signal = None
        if self._signal is None:
            self._wakeups.arm()
            self._signal = asyncio.ensure_future(self._wakeups.wait())
        if self._stop is None:
            self._stop = asyncio.ensure_future(self._stopping.wait())

    async def until(self, instant: datetime) -> None:
        """Rest after ``arm``; what ended the rest is asked of the clock and the queue."""
        sleep = asyncio.ensure_future(self._clock.sleep_until(instant))
        lasting = [each for each in (self._signal, self._stop) if each is not None]
        try:
            await asyncio.wait([sleep, *lasting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not sleep.done():
                sleep.cancel()
                await asyncio.wait([sleep])
        if not sleep.cancelled():
            sleep.result()

    async def close(self) -> None:
        """Wait for nothing any more."""
        tasks = [each for each in (self._signal, self._stop) if each is not None]
        self._signal = self._stop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
