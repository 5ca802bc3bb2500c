"""A process that starts while its store is away waits for it, and says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from cronicorn_scheduler.opening import Opening


@dataclass
class Start:
    """A process that starts: what it tries, hears and waits for, on a clock of its own."""

    answers: list[Exception | str]
    time: float = 0.0
    pauses: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def not_yet(self, error: StoreUnavailable, *, again_in: timedelta) -> None:
        """Hear that it does not answer."""
        self.told.append(f"{error}; {0 < again_in.total_seconds() <= 5}")

    def at_last(self, waited: timedelta) -> None:
        """Hear that it answers."""
        # A length counts whole microseconds.
        self.told.append(f"after {abs(waited.total_seconds() - sum(self.pauses)) < 1e-3}")

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.time += seconds

    @asynccontextmanager
    async def store(self) -> AsyncIterator[str]:
        """Open, or do not."""
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield answer
        self.closed.append(answer)

    @property
    def opening(self) -> Opening:
        """What is tried."""
        return Opening(self, sleep=self.sleep, monotonic=lambda: self.time)


AWAY = StoreUnavailable("refused")
STARTING = StoreUnavailable("starting up")


async def test_a_store_that_is_away_is_waited_for() -> None:
    """Trap T31: in growing pauses, told once for each reason, and once more when it is there."""
    start = Start([AWAY, AWAY, AWAY, STARTING, "open"])

    async with start.opening.opened(start.store) as store:
        assert store == "open"
        assert start.closed == []

    assert start.told == ["refused; True", "starting up; True", "after True"]
    assert start.closed == ["open"]
    assert len(start.pauses) == 4
    assert max(start.pauses[:1]) <= 0.5 < start.pauses[-1]


async def test_who_waits_long_is_told_again() -> None:
    """A minute of silence is long for whoever watches."""
    start = Start([*[AWAY] * 60, "open"])

    async with start.opening.opened(start.store):
        pass

    assert 3 <= len(start.told) <= sum(start.pauses) / 60 + 2
    assert max(start.pauses) <= 5


async def test_a_store_that_is_there_is_not_told_of() -> None:
    """Nobody hears of what went well at once."""
    start = Start(["open"])

    async with start.opening.opened(start.store):
        pass

    assert (start.told, start.pauses) == ([], [])


async def test_what_waiting_does_not_heal_is_not_waited_for() -> None:
    """Trap T31: a wrong password, or a schema of a newer version, ends the start."""
    start = Start([AWAY, StoreRefused("wrong password"), "open"])

    with pytest.raises(StoreRefused, match="wrong password"):
        async with start.opening.opened(start.store):
            pass

    assert start.answers == ["open"]


async def test_a_fault_of_the_work_is_no_reason_to_open_again() -> None:
    """Once it is open, an outage is the work's own affair."""
    start = Start(["open", "again"])

    with pytest.raises(StoreUnavailable):
        async with start.opening.opened(start.store):
            raise AWAY

    assert start.answers == ["again"]
