"""Clocks that need no machine: one moved by hand, one that follows the event loop."""

import asyncio
import heapq
from datetime import datetime, timedelta
from itertools import count

from cronicorn_domain.instants import NO_TIME


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._serial = count()

    def now(self) -> datetime:
        """Return the present instant."""
        return self._now

    async def sleep_until(self, instant: datetime) -> None:
        """Return when the clock has been moved to ``instant``; at once if it has passed."""
        if instant <= self._now:
            return
        waker = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (instant, next(self._serial), waker))
        await waker

    async def synchronize(self) -> None:
        """Nothing to measure: it is the only clock there is."""

    def skew(self) -> timedelta:
        """Return no time: there is no other clock."""
        return NO_TIME

    def advance(self, length: timedelta) -> None:
        """Move on by a length, and wake who has slept until then."""
        self.advance_to(self._now + length)

    def advance_to(self, instant: datetime) -> None:
        """
        Move on to an instant, and wake who has slept until then: in the order of their instants.

        They go on when the caller next awaits. Raises ``ValueError`` if the instant lies behind.
        """
        if instant < self._now:
            raise ValueError(f"it is {self._now} already: {instant} lies behind")
        self._now = instant
        while self._sleepers and self._sleepers[0][0] <= instant:
            waker = heapq.heappop(self._sleepers)[2]
            if not waker.done():
                waker.set_result(None)


class LoopClock:
    """
    Counts from ``start`` with the time of the running event loop.

    On a loop with a time of its own, such as a simulator's, it tells that time; on an ordinary one
    it is a stopwatch that no change of the machine's clock disturbs.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop.time()

    def now(self) -> datetime:
        """Return the present instant."""
        return self._start + timedelta(seconds=self._loop.time() - self._origin)

    async def sleep_until(self, instant: datetime) -> None:
        """Return at ``instant`` or just after; at once if it has passed."""
        # A loop may call back early by its own resolution, hence not once but until it is so.
        while (left := instant - self.now()) > NO_TIME:  # noqa: ASYNC110  time is the event
            await asyncio.sleep(left.total_seconds())

    async def synchronize(self) -> None:
        """Nothing to measure: the loop's time is the shared time."""

    def skew(self) -> timedelta:
        """Return no time: the loop's time is the only one."""
        return NO_TIME
