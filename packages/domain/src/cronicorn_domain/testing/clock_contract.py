"""Clocks: aware instants that go forward, and sleeps that end on time or just after."""

import asyncio
from datetime import UTC, timedelta

import pytest

from cronicorn_domain.instants import MILLISECOND
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.testing.builders import HOUR, MINUTE

SHORT = 20 * MILLISECOND
PATIENCE = 20
"""Seconds after which a sleep of milliseconds counts as endless."""


class ClockContract:
    """What holds for every clock."""

    @pytest.fixture
    async def clock(self) -> Clock:
        """Provide a clock."""
        raise NotImplementedError("the adapter's test class provides the clock")

    async def let_pass(self, clock: Clock, length: timedelta) -> None:
        """Let time pass, once sleepers are asleep; for most clocks it passes by itself."""

    async def test_instants_are_aware_and_in_utc(self, clock: Clock) -> None:
        """Nothing in the system is told a local time."""
        assert clock.now().tzinfo is UTC

    async def test_time_never_goes_back(self, clock: Clock) -> None:
        """Each reading is at or after the one before."""
        readings = [clock.now() for _ in range(1000)]

        assert readings == sorted(readings)

    async def test_a_sleep_never_ends_early(self, clock: Clock) -> None:
        """At its end the instant has come."""
        instant = clock.now() + SHORT
        sleep = asyncio.create_task(clock.sleep_until(instant))
        await self.let_pass(clock, SHORT)

        async with asyncio.timeout(PATIENCE):
            await sleep

        assert clock.now() >= instant

    async def test_a_past_instant_is_no_sleep(self, clock: Clock) -> None:
        """Equal has passed, and so has what lies behind."""
        async with asyncio.timeout(PATIENCE):
            await clock.sleep_until(clock.now())
            await clock.sleep_until(clock.now() - HOUR)

    async def test_sleepers_wake_in_order(self, clock: Clock) -> None:
        """Whoever sleeps to an earlier instant wakes before the others."""
        start = clock.now()
        woken: list[int] = []

        async def sleep(number: int) -> None:
            await clock.sleep_until(start + number * SHORT)
            woken.append(number)

        sleepers = [asyncio.create_task(sleep(number)) for number in (3, 1, 2)]
        await self.let_pass(clock, 3 * SHORT)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*sleepers)

        assert woken == [1, 2, 3]

    async def test_a_cancelled_sleep_disturbs_nobody(self, clock: Clock) -> None:
        """Others sleep on, to their own instants."""
        instant = clock.now() + SHORT
        cancelled = asyncio.create_task(clock.sleep_until(instant))
        sleep = asyncio.create_task(clock.sleep_until(instant))
        cancelled.cancel()
        await self.let_pass(clock, SHORT)

        async with asyncio.timeout(PATIENCE):
            await sleep

        assert cancelled.cancelled() or cancelled.done()
        assert clock.now() >= instant

    async def test_the_skew_is_known(self, clock: Clock) -> None:
        """The tests' own machine is not far from the time that the clock tells."""
        assert abs(clock.skew()) < MINUTE

    async def test_measuring_anew_keeps_the_time(self, clock: Clock) -> None:
        """A measurement corrects what has drifted apart, and makes no leap."""
        before = clock.now()

        await clock.synchronize()

        assert abs(clock.now() - before) < MINUTE
