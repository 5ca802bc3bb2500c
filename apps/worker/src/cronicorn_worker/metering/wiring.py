"""Puts metrics and health around the parts of a scheduler, and serves them."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_domain.ports.quota_guard import QuotaGuard

from cronicorn_worker.metering.counted_dispatcher import CountedDispatcher
from cronicorn_worker.metering.counting import CountingObserver, InHand
from cronicorn_worker.metering.counting_sessions import CountingSessions
from cronicorn_worker.metering.health import Health
from cronicorn_worker.metering.instruments import Instruments
from cronicorn_worker.metering.measured_queue import MeasuredQueue
from cronicorn_worker.metering.measured_quota_guard import MeasuredQuotaGuard
from cronicorn_worker.metering.readings import Readings
from cronicorn_worker.metering.serving import open_exporter
from cronicorn_worker.parts import Parts

_SHORTLY: Final = 2.0


class Meters:
    """The metrics and the health of a worker, from before it has a store on."""

    def __init__(
        self, concurrency: int, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.instruments, self._in_hand = Instruments(), InHand()
        self.health = Health(has_room=lambda: len(self._in_hand) < concurrency, monotonic=monotonic)
        self._monotonic = monotonic
        self._open_breakers: Callable[[], Awaitable[int]] | None = None

    async def look(self) -> None:
        """Ask the store for what only it knows, shortly; while it is away that is no number."""
        if self._open_breakers is None:
            return
        found = math.nan
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(_SHORTLY):
                found = await self._open_breakers()
        self.instruments.queue.breakers_open.set(found)

    def around(self, parts: Parts, readings: Readings) -> Parts:
        """Put metrics around the parts, and begin to expect that they are used."""
        instruments, health = self.instruments, self.health
        self._open_breakers = readings.open_breakers
        instruments.show(
            readings, in_hand=self._in_hand.__len__, ready=lambda: health.standing().ready
        )
        health.begins()
        return Parts(
            queue=MeasuredQueue(parts.queue, instruments, health, monotonic=self._monotonic),
            dispatcher=CountedDispatcher(parts.dispatcher, instruments.runs.requests_running),
            observer=CountingObserver(parts.observer, instruments, health, self._in_hand),
            quota=_around(parts.quota, instruments, readings, self._monotonic),
            sessions=CountingSessions(parts.sessions, instruments),
        )


def metered(
    parts: Parts, readings: Readings, *, monotonic: Callable[[], float] = time.monotonic
) -> tuple[Parts, Instruments, Health]:
    """Return the parts with metrics around them, and where those and the worker's health are."""
    meters = Meters(readings.concurrency, monotonic=monotonic)
    return meters.around(parts, readings), meters.instruments, meters.health


def _around(
    guard: QuotaGuard | None,
    instruments: Instruments,
    readings: Readings,
    monotonic: Callable[[], float],
) -> QuotaGuard | None:
    if guard is None:
        return None
    return MeasuredQuotaGuard(guard, instruments, readings.quotas, monotonic=monotonic)


@asynccontextmanager
async def served(
    concurrency: int, *, host: str, port: int, tell: Callable[[str], None]
) -> AsyncIterator[Meters]:
    """
    Serve the metrics and the health of a worker that may have no store yet.

    ``tell`` hears the address.

    Raises:
        WorkerFault: the port cannot be had.
    """
    meters = Meters(concurrency)
    registry, health = meters.instruments.registry, meters.health
    async with open_exporter(registry, health, host=host, port=port, look=meters.look) as address:
        tell(address)
        yield meters
