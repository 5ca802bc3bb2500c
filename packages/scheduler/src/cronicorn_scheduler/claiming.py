"""Takes what is due, as much as can start at once, and waits for what is due next."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from random import Random
from typing import Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, ClaimedRun, EndpointQueue
from cronicorn_domain.ports.wakeups import Wakeups

from cronicorn_scheduler.holding import Holdings
from cronicorn_scheduler.observing import (
    EndpointQuarantined,
    EndpointWithheld,
    Observer,
    RunClaimed,
    SlotsPassed,
)
from cronicorn_scheduler.outages import Outages
from cronicorn_scheduler.resting import Resting
from cronicorn_scheduler.settings import SchedulerSettings
from cronicorn_scheduler.waiting import first_of

_FEW: Final = 4
"""A claim for less than this part of a whole one is for few places."""


class Next(Enum):
    """When to claim again."""

    AT_ONCE = auto()
    SOON = auto()
    WHEN_DUE = auto()


class Claiming:
    """
    Claims, and waits for a due instant, a wake-up, a freed place or the ceiling; never for a tick.

    No more is claimed than can start at once: while every place is taken the store is not asked. A
    claim that comes back full is followed by another at once, unless it was for the few places that
    a saturated worker had. Otherwise a few milliseconds pass, so that slots close to one another
    are claimed together, and places as well: a claim of one costs as much as a claim of many. Then,
    as long as there is always something due, the store is asked for it without a look; behind a
    rest a look comes first, since it costs less than a claim that brings nothing.
    """

    name = "claim"

    def __init__(
        self,
        queue: EndpointQueue,
        wakeups: Wakeups,
        holdings: Holdings,
        *,
        begin: Callable[[ClaimedRun], None],
        settings: SchedulerSettings,
        clock: Clock,
        observer: Observer,
        outages: Outages,
        chance: Random,
        stopping: asyncio.Event,
        first_claim: asyncio.Event,
    ) -> None:
        self._queue = queue
        self._holdings = holdings
        self._begin = begin
        self._settings = settings
        self._few = min(settings.claim_batch, settings.concurrency) // _FEW
        self._clock = clock
        self._observer = observer
        # A line each: a store that answers one and not the other is one outage, not many.
        self._claims = outages.line(self.name)
        self._looks = outages.line("look")
        self._chance = chance
        self._resting = Resting(wakeups, clock=clock, stopping=stopping)
        self._stopping = stopping
        self._first_claim = first_claim
        self._fruitless = 0
        self._busy = False
        self._withheld: dict[EndpointId, str] = {}

    async def run(self) -> None:
        """Claim what is due, until the scheduler stops."""
        try:
            while await self._room():
                match await self._claim():
                    case Next.AT_ONCE:
                        pass
                    case Next.SOON:
                        await self._pause()
                    case Next.WHEN_DUE:
                        await self._until_due()
        finally:
            await self._resting.close()

    async def _room(self) -> bool:
        """Wait for a free place; say whether there is still something to claim for."""
        if self._holdings.free <= 0:
            await first_of(self._holdings.room(), self._stopping.wait())
        return not self._stopping.is_set()

    async def _claim(self) -> Next:
        limit = min(self._holdings.free, self._settings.claim_batch)
        async with self._claims:
            batch = await self._queue.claim(
                worker=self._settings.worker,
                limit=limit,
                lease_for=self._settings.lease,
                now=self._clock.now(),
                caps=self._settings.caps,
                breaker=self._settings.breaker,
            )
            self._first_claim.set()
            self._take(batch)
            left = len(batch.withheld) + batch.held_back
            return self._next(len(batch.runs) + batch.passed + left, limit)
        return Next.AT_ONCE  # the line has waited already

    def _take(self, batch: ClaimBatch) -> None:
        for run in batch.runs:
            self._observer.record(RunClaimed(run=run))
            self._begin(run)
            self._withheld.pop(run.lease.endpoint_id, None)
        for endpoint_id, reason in batch.quarantined.items():
            self._observer.record(EndpointQuarantined(endpoint_id=endpoint_id, reason=reason))
        if batch.passed:
            self._observer.record(SlotsPassed(count=batch.passed))
        for endpoint_id, reason in batch.withheld.items():
            self._tell_withheld(endpoint_id, reason)

    def _tell_withheld(self, endpoint_id: EndpointId, reason: str) -> None:
        """Tell it once: it is met again and again, as long as the key is missing here."""
        if self._withheld.get(endpoint_id) != reason:
            self._withheld[endpoint_id] = reason
            self._observer.record(EndpointWithheld(endpoint_id=endpoint_id, reason=reason))

    def _next(self, found: int, limit: int) -> Next:
        if found:
            self._fruitless = 0
        if found >= limit:
            return Next.AT_ONCE if limit >= self._few else Next.SOON
        return Next.SOON if found and self._busy else Next.WHEN_DUE

    async def _until_due(self) -> None:
        """Look for the next due instant and wait for it, as often as something wakes us before."""
        due = False
        while not (due or self._stopping.is_set()):
            await self._pause()
            self._resting.arm()
            due = await self._await(await self._look())

    async def _look(self) -> datetime | None:
        async with self._looks:
            return await self._queue.next_due()
        return self._clock.now()  # after an outage anything may be due: a claim will show

    async def _await(self, due_at: datetime | None) -> bool:
        """Wait for the instant, a wake-up or the ceiling; say whether the instant has come."""
        now = self._clock.now()
        if due_at is not None and due_at <= now:
            self._fruitless += 1
            self._busy = True
            return True
        self._fruitless = 0
        self._busy = False
        ceiling = now + self._settings.idle_ceiling * self._chance.uniform(1, 1.2)
        until = ceiling if due_at is None else min(due_at, ceiling)
        await self._resting.until(until)
        return due_at is not None and due_at <= self._clock.now()

    async def _pause(self) -> None:
        """
        Let a moment pass between two looks.

        It grows while what is due cannot be had: another worker is taking it, and would only be
        kept from its work.
        """
        doubled = self._settings.claim_pause * (1 << min(self._fruitless, 10))
        pause = min(doubled, self._settings.claim_pause_most)
        await self._clock.sleep_until(self._clock.now() + pause)
