"""SIGTERM and SIGINT lead to whoever ends the work in good order."""

import asyncio
import os
import signal

import pytest
from cronicorn_scheduler.echoes import ECHO_WITHIN
from cronicorn_worker.signals import stop_requests


class _Seconds:
    """A clock that stands until somebody sets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_to_stop_each_time(number: signal.Signals) -> None:
    """The second one comes through as well: it asks for haste."""
    asked: asyncio.Queue[int] = asyncio.Queue()
    clock = _Seconds()
    with stop_requests(lambda: asked.put_nowait(0), clock) as requests:
        requests.lead_to(lambda: asked.put_nowait(1))
        os.kill(os.getpid(), number)
        first = await asked.get()
        clock.now += ECHO_WITHIN
        os.kill(os.getpid(), number)
        second = await asked.get()

    assert (first, second) == (1, 1)


@pytest.mark.parametrize("echo", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_that_a_parent_passes_on_is_not_taken_for_haste(
    echo: signal.Signals,
) -> None:
    """A group that is ended reaches the worker twice, and its runs are not given up for that."""
    asked: list[float] = []
    clock = _Seconds()
    heard = asyncio.Event()
    with stop_requests(lambda: asked.append(clock()), clock) as requests:
        requests.ask()
        clock.now += ECHO_WITHIN / 2
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.set)
        os.kill(os.getpid(), echo)
        os.kill(os.getpid(), signal.SIGUSR1)
        await heard.wait()

    assert asked == [0.0]


async def test_before_there_is_work_a_signal_ends_the_start() -> None:
    """While a database is being opened there is nothing to drain: the start is cancelled."""

    async def start() -> None:
        task = asyncio.current_task()
        assert task is not None
        with stop_requests(task.cancel):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(start())


async def test_afterwards_signals_mean_what_they_meant_before() -> None:
    """Whoever embeds the worker keeps handlers of their own."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    with stop_requests(lambda: None):
        pass

    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
