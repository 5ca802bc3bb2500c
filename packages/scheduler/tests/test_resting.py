"""Resting: what ends a rest, and what no rest misses."""

import asyncio
from datetime import timedelta

import pytest
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_scheduler.resting import Resting


@pytest.fixture
def stopping():
    return asyncio.Event()


@pytest.fixture
async def resting(rig, stopping):
    """Give a place to rest."""
    resting = Resting(MemoryWakeups(rig.store), clock=rig.clock, stopping=stopping)
    yield resting
    await resting.close()


async def test_nothing_is_left_behind(rig, resting):
    """Closed, or cancelled in the middle of a rest: no task lives on."""
    before = asyncio.all_tasks()

    async def rest():
        resting.arm()
        await resting.until(rig.after(60))

    rester = asyncio.create_task(rest())
    await rig.until(1)
    rester.cancel()
    await asyncio.gather(rester, return_exceptions=True)
    await resting.close()

    assert rester.cancelled()
    assert asyncio.all_tasks() == before


async def test_a_rest_ends_at_its_instant(rig, resting):
    """Nothing happens: it lasts until then, also the second time."""
    for seconds in (5, 9):
        resting.arm()
        await resting.until(rig.after(seconds))

        assert rig.elapsed() == seconds


async def test_a_signal_ends_a_rest(rig, resting):
    """What became due earlier is seen at once, in a rest that began long after the wait for it."""
    for seconds in (5, 9):
        resting.arm()
        await resting.until(rig.after(seconds))
    resting.arm()
    asyncio.get_running_loop().call_later(3, rig.store.came_earlier.send)

    await resting.until(rig.after(60))

    assert rig.elapsed() == 12


async def test_a_signal_between_arming_and_resting_is_not_missed(rig, resting):
    """It came while the worker looked at the queue; so does one after a rest that it ended."""
    for _ in range(2):
        resting.arm()
        await asyncio.sleep(0)
        rig.store.came_earlier.send()

        await resting.until(rig.after(60))

        assert rig.elapsed() == 0


async def test_a_signal_from_before_arming_ends_nothing(rig, resting):
    """What the look at the queue shows anyway needs no signal."""
    rig.store.came_earlier.send()
    resting.arm()

    await resting.until(rig.after(5))

    assert rig.elapsed() == 5


async def test_the_stop_ends_a_rest(rig, resting, stopping):
    """Who stops does not wait for the next slot."""
    resting.arm()
    asyncio.get_running_loop().call_later(2, stopping.set)

    await resting.until(rig.after(60))

    assert rig.elapsed() == 2


async def test_a_wait_that_fails_is_told(rig, stopping):
    """Wake-ups that break their promise are no silence."""

    class Broken:
        def arm(self): ...

        async def wait(self):
            raise ValueError("it cannot be awaited")

    resting = Resting(Broken(), clock=rig.clock, stopping=stopping)
    resting.arm()
    await resting.until(rig.clock.now() + timedelta(seconds=5))

    with pytest.raises(ValueError, match="cannot be awaited"):
        resting.arm()
    await resting.close()
