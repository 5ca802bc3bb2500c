"""Puts metrics and health around the parts of a scheduler, and serves them."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

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


def metered(
    parts: Parts, readings: Readings, *, monotonic: Callable[[], float] = time.monotonic
) -> tuple[Parts, Instruments, Health]:
    """Return the parts with metrics around them, and where those and the worker's health are."""
    instruments, in_hand = Instruments(), InHand()
    health = Health(
        has_room=lambda: len(in_hand) < readings.concurrency,
        monotonic=monotonic,
    )
    instruments.show(readings, in_hand=in_hand.__len__, ready=lambda: health.standing().ready)
    around = Parts(
        queue=MeasuredQueue(parts.queue, instruments, health, monotonic=monotonic),
        dispatcher=CountedDispatcher(parts.dispatcher, instruments.requests_running),
        observer=CountingObserver(parts.observer, instruments, health, in_hand),
        quota=_around(parts.quota, instruments, readings, monotonic),
        sessions=CountingSessions(parts.sessions, instruments),
    )
    return around, instruments, health


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
    parts: Parts, readings: Readings, *, host: str, port: int, tell: Callable[[str], None]
) -> AsyncIterator[Parts]:
    """
    Give the parts with metrics around them, and serve those until the end of the block.

    ``tell`` hears the address.

    Raises:
        WorkerFault: the port cannot be had.
    """
    around, instruments, health = metered(parts, readings)
    async with open_exporter(instruments.registry, health, host=host, port=port) as address:
        tell(address)
        yield around
