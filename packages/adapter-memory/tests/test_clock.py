"""Both clocks keep the contract, and each its own promise."""

import asyncio
from datetime import timedelta

import pytest
from cronicorn_adapter_memory.clock import LoopClock, ManualClock
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND
from cronicorn_domain.testing.clock_contract import ClockContract


async def fall_asleep() -> None:
    """Let the tasks that were just made run until they wait."""
    await asyncio.sleep(0)


class TestManualClock(ClockContract):
    """The clock that is moved by hand."""

    @pytest.fixture
    async def clock(self) -> Clock:
        """Provide a clock that stands at the epoch."""
        return ManualClock(EPOCH)

    async def let_pass(self, clock: Clock, length: timedelta) -> None:
        """Move the clock on."""
        assert isinstance(clock, ManualClock)
        await fall_asleep()
        clock.advance(length)

    async def test_it_stands_still(self) -> None:
        """Only who holds it moves it."""
        clock = ManualClock(EPOCH)

        await fall_asleep()

        assert clock.now() == EPOCH

    async def test_it_moves_to_an_instant(self) -> None:
        """Sleepers up to the instant wake, those beyond it sleep on."""
        clock = ManualClock(EPOCH)
        soon = asyncio.create_task(clock.sleep_until(EPOCH + MINUTE))
        late = asyncio.create_task(clock.sleep_until(EPOCH + MINUTE + SECOND))
        await fall_asleep()

        clock.advance_to(EPOCH + MINUTE)
        await soon

        assert clock.now() == EPOCH + MINUTE
        assert not late.done()
        late.cancel()

    async def test_it_does_not_go_back(self) -> None:
        """An instant that lies behind is refused."""
        clock = ManualClock(EPOCH)

        with pytest.raises(ValueError, match="lies behind"):
            clock.advance_to(EPOCH - SECOND)


class TestLoopClock(ClockContract):
    """The clock that follows the event loop."""

    @pytest.fixture
    async def clock(self) -> Clock:
        """Provide a clock that begins at the epoch."""
        return LoopClock(EPOCH)

    async def test_it_begins_where_it_is_told(self) -> None:
        """Its first reading is its start, give or take the time that has passed."""
        clock = LoopClock(EPOCH)

        assert EPOCH <= clock.now() < EPOCH + MINUTE

    def test_it_follows_a_loop_with_a_time_of_its_own(self) -> None:
        """On a loop whose time jumps to the next timer, an hour takes no time."""

        async def sleep_for_hours() -> None:
            clock = LoopClock(EPOCH)
            for number in range(1, 4):
                await clock.sleep_until(EPOCH + number * HOUR)
                assert clock.now() == EPOCH + number * HOUR

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(sleep_for_hours())


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose time is that of its next timer, whenever nothing else is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self._jumped = 0.0

    def time(self) -> float:
        """Return the time of the last timer that was reached."""
        return self._jumped

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._jumped = max(self._jumped, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]
