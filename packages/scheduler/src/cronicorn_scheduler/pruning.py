"""Makes room for history ahead, and deletes what is past its retention out of the way of runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

from cronicorn_domain.errors import StoreRefused
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.history_room import HistoryRoom
from cronicorn_domain.ports.run_log import Pruned
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_scheduler.holding import Holdings
from cronicorn_scheduler.observing import HistoryPruned, Observer, PartFailed
from cronicorn_scheduler.outages import Line
from cronicorn_scheduler.settings import SchedulerSettings
from cronicorn_scheduler.waiting import first_of


class Pruning:
    """
    Prunes soon after it begins and then every 20 minutes or so, never while the scheduler is full.

    Room is made as soon as it begins, and claims wait for that, though not long: what is kept
    before there is room is kept less well, and is in the way of making any.
    """

    name = "prune"

    def __init__(
        self,
        units: UnitsOfWork,
        room: HistoryRoom,
        holdings: Holdings,
        *,
        settings: SchedulerSettings,
        clock: Clock,
        observer: Observer,
        line: Line,
        chance: Random,
    ) -> None:
        self._units = units
        self._room = room
        self._holdings = holdings
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._line = line
        self._chance = chance
        self._next = settings.prune_first
        self._prepared = asyncio.Event()

    async def run(self) -> None:
        """Make room and prune, for ever."""
        while True:
            await self._prepare()
            self._prepared.set()
            # By chance a little later, so that workers do not all prune at once.
            await self._pause(self._next * self._chance.uniform(1, 1.2))
            # Unless it goes well: who begins anew after an error does not wait for long.
            self._next = self._settings.prune_pause
            await self._prune()
            self._next = self._settings.prune_every

    async def prepared(self) -> None:
        """Return when room has been made, or cannot be had, or has kept us too long."""
        enough = self._clock.now() + self._settings.room_patience
        await first_of(self._prepared.wait(), self._clock.sleep_until(enough))

    async def _prepare(self) -> None:
        now = self._clock.now()
        async with self._line, self._allowed():
            await self._room.prepare(until=now + self._settings.room_ahead, now=now)

    async def _prune(self) -> None:
        retention = self._settings.retention
        if retention is not None:
            async with self._line, self._allowed():
                await self._room.clear(before=self._clock.now() - retention)
        done = False
        while not done:
            await self._holdings.room()
            async with self._line:
                done = await self._step(retention)
            await self._pause(self._settings.prune_pause)

    async def _step(self, retention: timedelta | None) -> bool:
        """Delete a few rows; say whether nothing is left to delete."""
        now = self._clock.now()
        async with self._units.begin() as unit:
            pruned = await unit.runs.prune(
                before=None if retention is None else now - retention,
                limit=self._settings.prune_batch,
                now=now,
                most=self._settings.runs_most,
            )
            await unit.commit()
        self._tell(pruned)
        return pruned.most < self._settings.prune_batch

    @asynccontextmanager
    async def _allowed(self) -> AsyncIterator[None]:
        """Tell of a refusal, and go on: nothing depends on the room."""
        try:
            yield
        except StoreRefused as error:
            self._observer.record(PartFailed(part=self.name, error=error, in_a_row=1))

    def _tell(self, pruned: Pruned) -> None:
        if pruned.runs or pruned.slot_records:
            self._observer.record(HistoryPruned(runs=pruned.runs, slot_records=pruned.slot_records))

    async def _pause(self, length: timedelta) -> None:
        await self._clock.sleep_until(self._clock.now() + length)
