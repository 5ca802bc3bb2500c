"""Keeps the scheduler's loops going, and says so when one cannot go on."""

from datetime import timedelta
from typing import Protocol

from cronicorn_domain.ports.clock import Clock

from cronicorn_scheduler.observing import Observer, PartFailed
from cronicorn_scheduler.outages import Backoff

_WELL_AFTER = timedelta(minutes=1)


class Part(Protocol):
    """One loop of the scheduler. It deals with outages of the store itself."""

    @property
    def name(self) -> str:
        """The word that events use for it."""
        ...

    async def run(self) -> None:
        """Work until cancelled, or until there is nothing more to do."""
        ...


class PartDied(Exception):
    """A loop failed again and again for a reason that is not an outage; see ``__cause__``."""

    def __init__(self, part: str, error: Exception) -> None:
        super().__init__(f"the part {part!r} of the scheduler cannot go on: {error}")
        self.part = part


class Supervision:
    """
    Begins a part anew when it fails, unless it has failed too often in a row.

    A part that went well for a minute has not failed in a row.
    """

    def __init__(
        self, *, clock: Clock, observer: Observer, backoff: Backoff, failures_most: int
    ) -> None:
        self._clock = clock
        self._observer = observer
        self._backoff = backoff
        self._failures_most = failures_most

    async def keep(self, part: Part) -> None:
        """
        Run a part until it ends by itself.

        Raises:
            PartDied: it failed too often in a row.
        """
        failures = 0
        while True:
            began = self._clock.now()
            try:
                return await part.run()
            except Exception as error:
                well = self._clock.now() - began >= _WELL_AFTER
                failures = 1 if well else failures + 1
                self._observer.record(PartFailed(part=part.name, error=error, in_a_row=failures))
                if failures >= self._failures_most:
                    raise PartDied(part.name, error) from error
            await self._clock.sleep_until(self._clock.now() + self._backoff.pause(failures))
