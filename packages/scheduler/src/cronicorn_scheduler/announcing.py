"""Tells of this worker, for people who look after the system; nothing depends on it."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from random import Random
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.worker_registry import WorkerRegistry
from cronicorn_domain.schedules.zones import tzdata_version

from cronicorn_scheduler.outages import Line
from cronicorn_scheduler.settings import SchedulerSettings

_CRASHED: Final = timedelta(days=1)
"""Who was not seen for so long is no longer worth a look."""


class Announcing:
    """
    Announces the worker when it begins and then every few seconds, until it leaves.

    Each beginning also forgets those that crashed long ago, so that the list does not grow.
    """

    name = "announce"

    def __init__(
        self,
        registry: WorkerRegistry,
        *,
        settings: SchedulerSettings,
        clock: Clock,
        line: Line,
        chance: Random,
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._line = line
        self._chance = chance
        self._worker: Worker | None = None

    async def run(self) -> None:
        """Announce, for ever."""
        async with self._line:
            await self._registry.forget(unseen_since=self._clock.now() - _CRASHED)
        while True:
            if await self._announce():
                # By chance a little later, so that workers do not all write at once.
                pause = self._settings.announce_every * self._chance.uniform(1, 1.2)
                await self._clock.sleep_until(self._clock.now() + pause)

    async def leave(self) -> None:
        """Take back what was announced, if anything was: one try, whatever comes of it."""
        if self._worker is not None:
            with suppress(StoreError):
                await self._registry.leave(self._worker.name)

    async def _announce(self) -> bool:
        """Tell of the worker as it is now; False: the store was away, and the line has waited."""
        async with self._line:
            self._worker = self._now()
            await self._registry.announce(self._worker)
            return True
        return False

    def _now(self) -> Worker:
        now = self._clock.now()
        if self._worker is not None:
            return replace(self._worker, seen_at=now, clock_skew=self._clock.skew())
        return Worker(
            name=self._settings.worker,
            started_at=now,
            seen_at=now,
            concurrency=self._settings.concurrency,
            version=version("cronicorn-scheduler"),
            zone_data=tzdata_version(),
            clock_skew=self._clock.skew(),
            floor=self._settings.floor,
        )
