"""The loop of the simulator: virtual time, an order that a seed decides, processes that stop."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TypeVar

import pytest

from tools.simulate.loop import PROCESS, Stuck, VirtualTimeLoop

T = TypeVar("T")
Work = Coroutine[None, None, T]


def run(main: Callable[[VirtualTimeLoop], Work[T]], *, seed: int = 0) -> T:
    """Run a coroutine function, which is given the loop, to its end."""
    loop = VirtualTimeLoop(seed)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()


def in_process(loop: VirtualTimeLoop, name: str, work: Work[None]) -> asyncio.Task[None]:
    """Begin a task that belongs to a process."""
    context = Context()
    context.run(PROCESS.set, name)
    return loop.create_task(work, context=context)


def order_of(seed: int) -> list[int]:
    """Let eight tasks note their numbers in the order in which they are run."""
    noted: list[int] = []

    async def note(number: int) -> None:
        await asyncio.sleep(1)
        noted.append(number)

    async def main(_: VirtualTimeLoop) -> list[int]:
        await asyncio.gather(*(note(number) for number in range(8)))
        return noted

    return run(main, seed=seed)


def test_time_jumps_to_whatever_comes_next() -> None:
    """An hour of waiting takes an hour of the loop's time, and none of ours."""

    async def main(loop: VirtualTimeLoop) -> float:
        await asyncio.sleep(3600)
        return loop.time()

    assert run(main) == 3600


def test_the_seed_decides_what_goes_first() -> None:
    """What is ready together runs in an order of the seed's: the same again, and not always one."""
    orders = [order_of(seed) for seed in range(5)]

    assert orders == [order_of(seed) for seed in range(5)]
    assert len({tuple(order) for order in orders}) > 1
    assert all(sorted(order) == list(range(8)) for order in orders)


def test_a_stopped_process_runs_nothing_until_it_goes_on() -> None:
    """While one process stands still the others go on, and later it is where it was."""
    noted: list[str] = []

    async def work(name: str) -> None:
        for _ in range(3):
            await asyncio.sleep(1)
            noted.append(name)

    async def main(loop: VirtualTimeLoop) -> list[str]:
        tasks = [in_process(loop, name, work(name)) for name in ("still", "busy")]
        await asyncio.sleep(1.5)
        loop.stop_process("still")
        await asyncio.sleep(5)
        before = list(noted)
        loop.continue_process("still")
        await asyncio.gather(*tasks)
        return before

    assert sorted(run(main)) == ["busy", "busy", "busy", "still"]
    assert sorted(noted) == ["busy"] * 3 + ["still"] * 3


def test_a_process_can_be_stopped_between_any_two_of_its_steps() -> None:
    """After so many steps nothing more of it is run, and the world is told."""
    noted: list[int] = []

    async def work() -> None:
        for number in range(10):
            noted.append(number)
            await asyncio.sleep(0)

    async def main(loop: VirtualTimeLoop) -> float:
        told: asyncio.Future[float] = loop.create_future()
        in_process(loop, "p", work())
        loop.stop_process_after("p", 4, lambda: told.set_result(loop.time()))
        return await told

    run(main)

    assert noted == [0, 1, 2, 3]


def test_waiting_for_nothing_is_told() -> None:
    """When no timer will ever end a wait, the loop says so instead of hanging."""

    async def main(loop: VirtualTimeLoop) -> None:
        await loop.create_future()

    with pytest.raises(Stuck):
        run(main)


def test_going_in_circles_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work without end in one instant is no work that ends the next one."""
    monkeypatch.setattr("tools.simulate.loop.STEPS_MOST", 1000)

    async def main(_: VirtualTimeLoop) -> None:
        while True:  # noqa: ASYNC110  the circle itself
            await asyncio.sleep(0)

    with pytest.raises(Stuck):
        run(main)


def test_a_storm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes, and nobody comes to rest: many more steps than the world can need."""
    monkeypatch.setattr("tools.simulate.loop.STEPS_AT_FIRST", 1000)

    async def main(_: VirtualTimeLoop) -> None:
        while True:  # noqa: ASYNC110  the storm itself
            await asyncio.sleep(0.001)

    loop = VirtualTimeLoop(0, pace=500)
    try:
        with pytest.raises(Stuck, match="a storm"):
            loop.run_until_complete(main(loop))
    finally:
        loop.close()
