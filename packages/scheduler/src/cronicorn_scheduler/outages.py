"""Rides out outages of the store: each is told once, and every part tries again until answered."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from types import TracebackType

from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.ports.clock import Clock

from cronicorn_scheduler.observing import Observer, StoreRecovered, StoreWentAway


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses that double from ``first`` to ``most``; up to half is taken off by chance."""

    first: timedelta
    most: timedelta
    chance: Random

    def pause(self, failures: int) -> timedelta:
        """Return the pause after so many failures in a row, 1 or more."""
        # The exponent is capped, or a night without a store would overflow.
        whole = min(self.first * (1 << min(failures - 1, 30)), self.most)
        share: float = self.chance.uniform(0.5, 1)
        return whole * share


class Outages:
    """
    Tells the observer when the store goes away and when it is back.

    An outage begins with the first part that gets no answer. It is over when every part that got
    none has been answered again, or has nothing more to ask.
    """

    def __init__(self, *, clock: Clock, observer: Observer, backoff: Backoff) -> None:
        self._clock = clock
        self._observer = observer
        self._backoff = backoff
        self._unanswered: set[str] = set()
        self._since: datetime | None = None

    def line(self, part: str) -> "Line":
        """Return the line to the store of one part; parts share none."""
        return Line(part, self)

    def now(self) -> datetime:
        """Return the time by which outages are told."""
        return self._clock.now()

    def unanswered(self, part: str, error: StoreUnavailable) -> None:
        """Note that the store does not answer a part."""
        if self._since is None:
            self._since = self._clock.now()
            self._observer.record(StoreWentAway(part=part, error=error))
        self._unanswered.add(part)

    def answered(self, part: str) -> None:
        """Note that the store answers a part, or that this one asks nothing any more."""
        if self._since is None:
            return
        self._unanswered.discard(part)
        if not self._unanswered:
            lasted, self._since = self._clock.now() - self._since, None
            self._observer.record(StoreRecovered(lasted=lasted))

    async def pause(self, failures: int) -> None:
        """Wait as long as so many failures in a row ask for."""
        await self._clock.sleep_until(self._clock.now() + self._backoff.pause(failures))


class Line:
    """
    One part's line to the store: a block in it that meets an outage ends early, after a pause.

    ``async with line:`` swallows ``StoreUnavailable`` alone; whoever uses it tries again.
    """

    def __init__(self, part: str, outages: Outages) -> None:
        self._part = part
        self._outages = outages
        self._failures = 0
        self.recovered_at: datetime | None = None
        """When it was last answered, or had nothing to ask, after an outage."""

    @property
    def failing(self) -> bool:
        """Whether the latest try met an outage."""
        return self._failures > 0

    def rest(self) -> None:
        """Say that there is nothing to ask for the time being: an outage does not last for it."""
        if self.failing:
            self.recovered_at = self._outages.now()
        self._failures = 0
        self._outages.answered(self._part)

    async def __aenter__(self) -> None:
        """Begin a try."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Note how the try went; wait a little if the store did not answer."""
        if isinstance(error, StoreUnavailable):
            self._failures += 1
            self._outages.unanswered(self._part, error)
            await self._outages.pause(self._failures)
            return True
        if error is None:
            self.rest()
        return False
