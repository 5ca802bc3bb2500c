"""Puts metrics and health around the parts of a scheduler."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_domain.ports.quota_guard import QuotaGuard
from prometheus_client import CollectorRegistry

from cronicorn_metering.counted_dispatcher import CountedDispatcher
from cronicorn_metering.counting import CountingObserver, InHand
from cronicorn_metering.counting_sessions import CountingSessions
from cronicorn_metering.health import Health
from cronicorn_metering.instruments import Instruments
from cronicorn_metering.measured_queue import MeasuredQueue
from cronicorn_metering.measured_quota_guard import MeasuredQuotaGuard
from cronicorn_metering.parts import Parts
from cronicorn_metering.readings import Readings

_SHORTLY: Final = 2.0


class Meters:
    """
    The metrics and the health of a worker, from before it has a store on.

    They are put into the ``registry``, beside what is there, or into one of their own.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        registry: CollectorRegistry | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.instruments, self._in_hand = Instruments(registry), InHand()
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
