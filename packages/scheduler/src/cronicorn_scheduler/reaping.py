"""Takes away leases that ended, of whichever worker, so that their endpoints go on."""

from datetime import timedelta

from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import EndpointQueue

from cronicorn_scheduler.observing import Observer, RunReaped
from cronicorn_scheduler.outages import Outages


class Reaping:
    """
    Reaps at once when it begins and then every second or two.

    After an outage of the store it holds back for a moment: leases could not be renewed meanwhile,
    and workers that are alive are to renew or settle before their runs are taken for lost.
    """

    name = "reap"

    def __init__(
        self,
        queue: EndpointQueue,
        *,
        clock: Clock,
        observer: Observer,
        outages: Outages,
        every: timedelta,
        reprieve: timedelta,
        limit: int,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._observer = observer
        # A line each: a store that answers one and not the other is one outage, not many.
        self._reaps = outages.line(self.name)
        self._probes = outages.line("probe")
        self._every = every
        self._reprieve = reprieve
        self._limit = limit

    async def run(self) -> None:
        """Reap, for ever."""
        while True:
            if await self._reap():
                await self._pause(self._every)
            else:
                await self._until_answered()
                await self._pause(self._reprieve)

    async def _reap(self) -> bool:
        """Take away all that ended; say whether the store answered."""
        async with self._reaps:
            while await self._step():
                pass
            return True
        return False

    async def _step(self) -> bool:
        """Take away a batch; say whether there may be more."""
        reaped = await self._queue.reap(limit=self._limit, now=self._clock.now())
        for each in reaped:
            self._observer.record(RunReaped(reaped=each))
        return len(reaped) >= self._limit

    async def _until_answered(self) -> None:
        answered = False
        while not answered:
            async with self._probes:
                await self._queue.next_due()
                answered = True

    async def _pause(self, length: timedelta) -> None:
        await self._clock.sleep_until(self._clock.now() + length)
