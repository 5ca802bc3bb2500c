"""Waiting for whichever comes first."""

import asyncio

import pytest
from cronicorn_scheduler.waiting import first_of


async def test_the_first_ends_the_wait(rig):
    """The wait is over with the first, and the others are cancelled."""
    before = asyncio.all_tasks()

    await first_of(rig.until(5), rig.until(2), asyncio.Event().wait())

    assert rig.elapsed() == 2
    assert asyncio.all_tasks() == before


async def test_an_error_is_raised(rig):
    """A wait that fails is not taken for one that is over."""

    async def fails():
        raise ValueError("it cannot be awaited")

    with pytest.raises(ValueError, match="cannot be awaited"):
        await first_of(fails(), rig.until(2))


async def test_who_is_cancelled_leaves_nothing_behind(rig):
    """When the waiter itself is cancelled its waits are, too."""
    before = asyncio.all_tasks()
    waiter = asyncio.create_task(first_of(rig.until(5), rig.until(7)))

    await rig.until(1)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)

    assert waiter.cancelled()
    assert asyncio.all_tasks() == before
