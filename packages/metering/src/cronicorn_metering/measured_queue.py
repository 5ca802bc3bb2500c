"""Measures what the queue is asked, call by call: many runs share one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from cronicorn_domain.errors import StoreError
from cronicorn_domain.identity import EndpointId, Token, WorkerId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.ports.endpoint_queue import (
    ClaimBatch,
    Deferral,
    EndpointQueue,
    Reaped,
    Settled,
    Settlement,
    StartRefusal,
)

from cronicorn_metering.health import Health
from cronicorn_metering.instruments import Instruments


class MeasuredQueue:
    """An endpoint queue that is another one, and tells metrics and health of each call."""

    def __init__(
        self,
        queue: EndpointQueue,
        instruments: Instruments,
        health: Health,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._instruments = instruments
        self._health = health
        self._monotonic = monotonic

    async def claim(
        self,
        *,
        worker: WorkerId,
        limit: int,
        lease_for: timedelta,
        now: datetime,
        caps: Caps = NO_CAPS,
        breaker: Breaker | None = None,
    ) -> ClaimBatch:
        """Claim, and note how many runs it brought."""
        self._health.looked()
        with self._asked("claim"):
            batch = await self._queue.claim(
                worker=worker, limit=limit, lease_for=lease_for, now=now, caps=caps, breaker=breaker
            )
        self._instruments.queue.claimed_runs.observe(len(batch.runs))
        self._instruments.queue.held_back.inc(batch.held_back)
        self._instruments.queue.blocked.inc(batch.blocked)
        return batch

    async def start(
        self, tokens: Sequence[Token], *, now: datetime
    ) -> Mapping[Token, StartRefusal | None]:
        """Start."""
        with self._asked("start"):
            return await self._queue.start(tokens, now=now)

    async def renew(
        self, tokens: Sequence[Token], *, lease_for: timedelta, now: datetime
    ) -> frozenset[Token]:
        """Renew."""
        with self._asked("renew"):
            return await self._queue.renew(tokens, lease_for=lease_for, now=now)

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime
    ) -> Mapping[Token, Settled]:
        """Settle, and note how many runs."""
        with self._asked("settle"):
            settled = await self._queue.settle(settlements, now=now)
        self._instruments.queue.settled_runs.observe(len(settlements))
        return settled

    async def release(
        self, tokens: Sequence[Token], *, now: datetime, deferral: Deferral | None = None
    ) -> Mapping[Token, Settled]:
        """Release."""
        with self._asked("release"):
            return await self._queue.release(tokens, now=now, deferral=deferral)

    async def reap(self, *, limit: int, now: datetime) -> Sequence[Reaped]:
        """Reap."""
        with self._asked("reap"):
            return await self._queue.reap(limit=limit, now=now)

    async def next_due(self) -> datetime | None:
        """Look for what is due."""
        self._health.looked()
        with self._asked("look"):
            return await self._queue.next_due()

    async def heal_quarantined(self, *, now: datetime) -> Sequence[EndpointId]:
        """Heal."""
        with self._asked("heal"):
            return await self._queue.heal_quarantined(now=now)

    @contextmanager
    def _asked(self, call: str) -> Iterator[None]:
        began = self._monotonic()
        try:
            yield
        except StoreError:
            self._instruments.store.failures.labels(call).inc()
            raise
        self._health.answered()
        self._instruments.store.seconds.labels(call).observe(self._monotonic() - began)
