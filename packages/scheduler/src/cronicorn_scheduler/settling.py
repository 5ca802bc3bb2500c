"""Hands results to the store, those that end within a few milliseconds together."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from cronicorn_domain.identity import Token
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import EndpointQueue, Settled, Settlement

from cronicorn_scheduler.grouping import Grouping
from cronicorn_scheduler.outages import Line


class Settling:
    """
    Settles runs; in an outage it holds the results and tries again.

    A lease lives until the reaper takes it, also past its end: so the store alone says when a
    result has come too late.
    """

    name = "settle"

    def __init__(
        self, queue: EndpointQueue, *, clock: Clock, line: Line, limit: int, window: timedelta
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._results = Grouping(self._settle, line=line, clock=clock, limit=limit, window=window)

    async def run(self) -> None:
        """Settle what is handed over, for ever."""
        await self._results.run()

    async def settle(self, settlement: Settlement) -> Settled:
        """Hand one result over and return what became of it."""
        return await self._results.ask(settlement.token, settlement)

    async def _settle(self, settlements: Sequence[Settlement]) -> Mapping[Token, Settled]:
        return await self._queue.settle(settlements, now=self._clock.now())
