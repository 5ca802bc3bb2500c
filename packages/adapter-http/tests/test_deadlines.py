"""Deadlines cut short exactly what is late, under one timer for each length."""

import asyncio

import pytest
from cronicorn_adapter_http.deadlines import Deadlines

SOON = 0.02
LATER = 3600.0


async def stall() -> None:
    """Wait for what never comes."""
    await asyncio.Event().wait()


async def test_a_block_that_lasts_too_long_times_out() -> None:
    """Its task goes on with ``TimeoutError``, and is not left cancelled."""
    deadline = Deadlines().within(SOON)

    with pytest.raises(TimeoutError), deadline:
        await stall()

    assert deadline.expired
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_block_that_ends_in_time_is_left_alone() -> None:
    """The timer that was set for it cuts nobody short."""
    deadlines = Deadlines()
    with deadlines.within(SOON) as first:
        pass

    with pytest.raises(TimeoutError), deadlines.within(SOON):
        await stall()

    assert not first.expired


async def test_each_of_many_has_its_own_time() -> None:
    """Whoever began later is cut short later, though both wait under one timer."""
    deadlines = Deadlines()
    ended: list[str] = []

    async def wait(name: str) -> None:
        try:
            with deadlines.within(SOON):
                await stall()
        except TimeoutError:
            ended.append(name)

    first = asyncio.create_task(wait("first"))
    await asyncio.sleep(0)
    await asyncio.gather(first, wait("second"))

    assert ended == ["first", "second"]


async def test_a_long_one_does_not_hold_up_a_short_one() -> None:
    """Lengths do not wait for one another."""
    deadlines = Deadlines()

    with pytest.raises(TimeoutError), deadlines.within(LATER), deadlines.within(SOON):
        await stall()

    deadlines.close()


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    """Who cancels a task with a deadline sees it cancelled, and not late."""
    deadlines = Deadlines()

    async def wait() -> None:
        with deadlines.within(LATER):
            await stall()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    deadlines.close()


async def test_a_cancellation_at_the_deadline_wins() -> None:
    """A task that is cancelled as its time is over is cancelled: nobody's wish is swallowed."""
    deadlines = Deadlines()
    deadline = deadlines.within(LATER)

    async def wait() -> None:
        with deadline:
            await stall()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    deadline.expire()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    deadlines.close()


async def test_another_error_at_the_deadline_is_kept() -> None:
    """What the block raises goes out as it is; ``expired`` tells that its time was over."""
    deadline = Deadlines().within(SOON)

    async def break_when_cancelled() -> None:
        try:
            await stall()
        except asyncio.CancelledError:
            raise ValueError("broken") from None

    with pytest.raises(ValueError, match="broken"), deadline:
        await break_when_cancelled()

    assert deadline.expired
