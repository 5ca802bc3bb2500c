"""Takes away leases that ended, of whichever worker, so that their endpoints go on."""

from datetime import datetime, timedelta

from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import EndpointQueue

from cronicorn_scheduler.observing import Observer, RunReaped
from cronicorn_scheduler.outages import Line


class Reaping:
    """
    Asks every second or two, and takes what has ended once the store has been steady for a while.

    Leases also end because they could not be renewed: the store was away, locked or read-only, or
    everything stood still. So at its beginning, and after each stretch without a proof that the
    store can be written to, the reaper only looks until workers that are alive have had the time to
    renew or settle. The same holds after a stretch in which this worker's own renewals failed.
    """

    name = "reap"

    def __init__(
        self,
        queue: EndpointQueue,
        *,
        clock: Clock,
        observer: Observer,
        line: Line,
        renewals: Line,
        every: timedelta,
        reprieve: timedelta,
        stretch: timedelta,
        limit: int,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._observer = observer
        self._line = line
        self._renewals = renewals
        self._every = every
        self._reprieve = reprieve
        self._stretch = stretch
        self._limit = limit
        self._proven_at: datetime | None = None
        self._steady_from: datetime | None = None

    async def run(self) -> None:
        """Reap, for ever."""
        while True:
            while await self._step():
                pass
            await self._clock.sleep_until(self._clock.now() + self._every)

    async def _step(self) -> bool:
        """Take away a batch; say whether to go on at once."""
        now = self._clock.now()
        limit = self._limit if self._is_steady(now) else 0
        async with self._line:
            reaped = await self._queue.reap(limit=limit, now=now)
            self._note_proof()
            for each in reaped:
                self._observer.record(RunReaped(reaped=each))
            return 0 < limit <= len(reaped)
        self._proven_at = None
        return True  # the line has waited already

    def _is_steady(self, now: datetime) -> bool:
        """Say whether every worker alive could renew for as long as the reprieve lasts."""
        if self._steady_from is None or self._is_stale(now) or self._renewals.failing:
            return False
        steady_from = max(self._steady_from, self._renewals.recovered_at or self._steady_from)
        return now - steady_from >= self._reprieve

    def _note_proof(self) -> None:
        now = self._clock.now()
        if self._is_stale(now):
            self._steady_from = now
        self._proven_at = now

    def _is_stale(self, now: datetime) -> bool:
        """Say whether too long a stretch has passed without a proof."""
        return self._proven_at is None or now - self._proven_at > self._every + self._stretch
