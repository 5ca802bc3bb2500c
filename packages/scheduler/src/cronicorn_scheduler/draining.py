"""Ends the work in hand when the scheduler stops: finish, settle, give the rest back."""

import asyncio
from datetime import timedelta

from cronicorn_domain.ports.clock import Clock

from cronicorn_scheduler.holding import Cut, Held, Holdings
from cronicorn_scheduler.observing import Observer, ResultDropped, RunAbandoned, SchedulerDraining
from cronicorn_scheduler.waiting import first_of


class Draining:
    """
    Lets running requests finish within the grace, and cancels those that do not.

    What was claimed and has not started gives itself back. A run that was started cannot be given
    back: when its request is cancelled, its lease is left to the reaper of another worker, or of
    this one's successor, which takes it for a lost run.
    """

    def __init__(
        self,
        holdings: Holdings,
        *,
        clock: Clock,
        observer: Observer,
        grace: timedelta,
        closing: timedelta,
        hurry: asyncio.Event,
    ) -> None:
        self._holdings = holdings
        self._clock = clock
        self._observer = observer
        self._grace = grace
        self._closing = closing
        self._hurry = hurry

    async def drain(self, claiming: asyncio.Task[None]) -> None:
        """Bring all that is in hand to an end, also what a claim under way may still bring."""
        self._observer.record(SchedulerDraining(held=len(self._holdings)))
        await first_of(
            self._over(claiming),
            self._hurry.wait(),
            self._clock.sleep_until(self._clock.now() + self._grace),
        )
        for held in self._holdings.all():
            held.cut_short(Cut.GRACE_OVER)
        await first_of(
            self._over(claiming),
            self._clock.sleep_until(self._clock.now() + self._closing),
        )
        for held in self._holdings.all():
            self._leave(held)

    async def _over(self, claiming: asyncio.Task[None]) -> None:
        await asyncio.wait({claiming})
        await self._holdings.empty()

    def _leave(self, held: Held) -> None:
        """Let go of a run whose last word the store did not take."""
        if held.settlement is None:
            self._observer.record(RunAbandoned(run=held.run))
        else:
            self._observer.record(ResultDropped(run=held.run, settlement=held.settlement))
        if held.task is not None:
            held.task.cancel()
