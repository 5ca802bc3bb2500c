"""Deletes history past its retention, in small steps and out of the way of runs."""

from datetime import timedelta
from random import Random

from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.run_log import Pruned
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_scheduler.holding import Holdings
from cronicorn_scheduler.observing import HistoryPruned, Observer
from cronicorn_scheduler.outages import Line
from cronicorn_scheduler.settings import SchedulerSettings


class Pruning:
    """Prunes soon after it begins and then every hour or so, never while the scheduler is full."""

    name = "prune"

    def __init__(
        self,
        units: UnitsOfWork,
        holdings: Holdings,
        *,
        settings: SchedulerSettings,
        clock: Clock,
        observer: Observer,
        line: Line,
        chance: Random,
    ) -> None:
        self._units = units
        self._holdings = holdings
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._line = line
        self._chance = chance
        self._next = settings.prune_first

    async def run(self) -> None:
        """Prune, for ever; nothing to do when history is kept for ever."""
        if self._settings.retention is None:
            return
        while True:
            # By chance a little later, so that workers do not all prune at once.
            await self._pause(self._next * self._chance.uniform(1, 1.2))
            # Unless it goes well: who begins anew after an error does not wait for an hour.
            self._next = self._settings.prune_pause
            await self._prune(self._settings.retention)
            self._next = self._settings.prune_every

    async def _prune(self, retention: timedelta) -> None:
        done = False
        while not done:
            await self._holdings.room()
            async with self._line:
                done = await self._step(retention)
            await self._pause(self._settings.prune_pause)

    async def _step(self, retention: timedelta) -> bool:
        """Delete a few rows; say whether nothing is left to delete."""
        now = self._clock.now()
        async with self._units.begin() as unit:
            pruned = await unit.runs.prune(
                before=now - retention, limit=self._settings.prune_batch, now=now
            )
            await unit.commit()
        self._tell(pruned)
        return max(pruned.runs, pruned.slot_records) < self._settings.prune_batch

    def _tell(self, pruned: Pruned) -> None:
        if pruned.runs or pruned.slot_records:
            self._observer.record(HistoryPruned(runs=pruned.runs, slot_records=pruned.slot_records))

    async def _pause(self, length: timedelta) -> None:
        await self._clock.sleep_until(self._clock.now() + length)
