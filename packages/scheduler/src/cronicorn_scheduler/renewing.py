"""Keeps the leases in hand alive; the runs themselves know nothing of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cronicorn_domain.identity import Token
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import EndpointQueue

from cronicorn_scheduler.holding import Cut, Holdings
from cronicorn_scheduler.outages import Line


class Renewing:
    """
    Prolongs every lease in hand every few seconds, and cancels the requests of those lost.

    While nothing is in hand it sleeps, and a run that is over before the first is due needs none.
    """

    name = "renew"

    def __init__(
        self,
        queue: EndpointQueue,
        holdings: Holdings,
        *,
        clock: Clock,
        line: Line,
        lease: timedelta,
        every: timedelta,
        limit: int,
    ) -> None:
        self._queue = queue
        self._holdings = holdings
        self._clock = clock
        self._line = line
        self._lease = lease
        self._every = every
        self._limit = limit

    async def run(self) -> None:
        """Renew what is in hand, for ever; also during a drain and while results wait."""
        while True:
            await self._holdings.some()
            await self._clock.sleep_until(self._first_renewal())
            await self._keep_alive()

    def _first_renewal(self) -> datetime:
        """Return when the oldest lease is due: at once if its claim was answered late."""
        held = (each.run.lease.until for each in self._holdings.all())
        return min(held, default=self._clock.now() + self._lease) - self._lease + self._every

    async def _keep_alive(self) -> None:
        """Renew every few seconds, as long as anything is in hand."""
        while len(self._holdings):
            # From the beginning of the last: one that was answered late prolonged little, since a
            # lease lives from the instant that its renewal was sent.
            began = self._clock.now()
            await self._renew_all()
            await self._clock.sleep_until(began + self._every)

    async def _renew_all(self) -> None:
        tokens = [held.token for held in self._holdings.all()]
        for begin in range(0, len(tokens), self._limit):
            await self._renew(tokens[begin : begin + self._limit])

    async def _renew(self, tokens: Sequence[Token]) -> None:
        while left := [token for token in tokens if self._holdings.get(token) is not None]:
            async with self._line:
                lost = await self._queue.renew(left, lease_for=self._lease, now=self._clock.now())
                self._cut_short(lost)
                return
        self._line.rest()

    def _cut_short(self, lost: frozenset[Token]) -> None:
        for token in lost:
            if (held := self._holdings.get(token)) is not None:
                held.cut_short(Cut.LEASE_LOST)
