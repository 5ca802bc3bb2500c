"""SIGTERM and SIGINT lead to whoever ends the work in good order."""

import asyncio
import os
import signal

import pytest
from cronicorn_worker.signals import stop_requests


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_to_stop_each_time(number: signal.Signals) -> None:
    """The second one comes through as well: it asks for haste."""
    asked: asyncio.Queue[int] = asyncio.Queue()
    with stop_requests(lambda: asked.put_nowait(0)) as requests:
        requests.lead_to(lambda: asked.put_nowait(1))
        os.kill(os.getpid(), number)
        first = await asked.get()
        os.kill(os.getpid(), number)
        second = await asked.get()

    assert (first, second) == (1, 1)


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
