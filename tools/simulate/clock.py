"""A worker's own clock: right when it was measured, and behind when something held it up."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.ports.clock import Clock


class WorkerClock:
    """
    The shared time as a worker has measured it, counted on in between.

    A measurement takes the store's instant for the moment in which the answer arrives: it lags by
    the way back, and is never ahead.
    """

    def __init__(
        self,
        shared: Clock,
        measure: Callable[[], Awaitable[datetime]],
        *,
        error: timedelta,
    ) -> None:
        self._shared = shared
        self._measure = measure
        self._error = error
        self._latest: datetime | None = None

    def now(self) -> datetime:
        """Return the present instant as far as the worker can know."""
        return self._shared.now() + self._error

    async def sleep_until(self, instant: datetime) -> None:
        """Return at ``instant`` or just after by this clock, whatever is measured in between."""
        while self.now() < instant:
            await self._shared.sleep_until(instant - self._error)

    async def synchronize(self) -> None:
        """Measure anew. Raises ``StoreUnavailable``."""
        self._error = await self._measure() - self._shared.now()

    def skew(self) -> timedelta:
        """Return how far this clock is ahead of the shared time."""
        return self._error

    def fall_behind(self, by: timedelta) -> None:
        """Lose so much time: the machine stood still."""
        self._error -= max(by, NO_TIME)
