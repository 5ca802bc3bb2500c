"""The time that all share, and what a worker knows of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.ports.clock import Clock


class SharedClock:
    """
    The store's time, which is the loop's.

    Equal instants are equal timers, whoever sets them: so that what meets by the rules also meets
    in the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, begins_at: datetime) -> None:
        self._loop = loop
        self._begins_at = begins_at
        self._seconds = 0.0
        self._now = begins_at

    def now(self) -> datetime:
        """Return the present instant."""
        seconds = self._loop.time()
        if seconds != self._seconds:
            self._seconds = seconds
            self._now = self._begins_at + timedelta(seconds=seconds)
        return self._now

    async def sleep_until(self, instant: datetime) -> None:
        """Return at ``instant``; at once if it has passed."""
        if instant <= self.now():
            return
        waker = self._loop.create_future()
        seconds = (instant - self._begins_at).total_seconds()
        timer = self._loop.call_at(seconds, _wake, waker)
        try:
            await waker
        finally:
            timer.cancel()

    async def synchronize(self) -> None:
        """Nothing to measure: it is the shared time."""

    def skew(self) -> timedelta:
        """Return nothing: it is the shared time."""
        return NO_TIME


AHEAD_MOST = timedelta(milliseconds=250)
"""
So far a worker's clock may be ahead of the shared one: half the way there and back of a measurement
may be doubt, and between two the machine's own clock may run fast.
"""


class WorkerClock:
    """
    The shared time as a worker has measured it, counted on in between.

    A measurement takes the store's instant for the moment in which the answer arrives, or one that
    is ``ahead`` of it: it lags by the way back, less that.
    """

    def __init__(
        self,
        shared: Clock,
        measure: Callable[[], Awaitable[datetime]],
        *,
        error: timedelta,
        ahead: timedelta = NO_TIME,
    ) -> None:
        self._shared = shared
        self._measure = measure
        self._error = error
        self._ahead = ahead

    def now(self) -> datetime:
        """Return the present instant as far as the worker can know."""
        return self._shared.now() + self._error if self._error else self._shared.now()

    async def sleep_until(self, instant: datetime) -> None:
        """Return at ``instant`` or just after by this clock, whatever is measured in between."""
        while self.now() < instant:
            await self._shared.sleep_until(instant - self._error)

    async def synchronize(self) -> None:
        """Measure anew. Raises ``StoreUnavailable``."""
        self._error = await self._measure() - self._shared.now() + self._ahead

    def skew(self) -> timedelta:
        """Return how far this clock is ahead of the shared time."""
        return self._error

    def fall_behind(self, by: timedelta) -> None:
        """Lose so much time: the machine stood still."""
        self._error -= max(by, NO_TIME)

    def run_ahead(self, by: timedelta) -> None:
        """Gain so much time, as far as a clock may be ahead."""
        self._error = max(self._error, min(self._error + by, AHEAD_MOST))


def _wake(waker: "asyncio.Future[None]") -> None:
    if not waker.done():
        waker.set_result(None)
