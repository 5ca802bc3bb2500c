"""One of a worker's processes, seen by whoever keeps it."""

import asyncio
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cronicorn_worker.processes.life import live
from cronicorn_worker.processes.messages import HasClaimed, HasEnded, IsReady, Order, listen
from cronicorn_worker.settings import WorkerSettings
from cronicorn_worker.signals import ASKING

_PROCESSES = multiprocessing.get_context("spawn")


class Process:
    """A process with a line to it. It is spawned: a fork would share what is open with it."""

    def __init__(self, number: int, settings: WorkerSettings, *, replacements: int = 0) -> None:
        """
        Start it.

        Raises:
            OSError: the system starts none now; nothing is left open.
        """
        self._line, theirs = _PROCESSES.Pipe()
        self._ready = asyncio.Event()
        self._claimed = asyncio.Event()
        self._last_words: HasEnded | None = None
        self._process = _PROCESSES.Process(
            target=live,
            args=(number, settings, theirs, replacements),
            name=f"worker {number}",
            daemon=True,
        )
        try:
            with _signals_held():
                self._process.start()
        except OSError:
            self._line.close()
            raise
        finally:
            theirs.close()
        listen(self._line, self._hear)

    @classmethod
    def started_with(cls, settings: WorkerSettings) -> Callable[[int], "Process"]:
        """Return what starts the process of a number, and replaces it when it is asked again."""
        started: Counter[int] = Counter()

        def start(number: int) -> Process:
            started[number] += 1
            return cls(number, settings, replacements=started[number] - 1)

        return start

    @property
    def pid(self) -> int:
        """Its number in the system."""
        assert self._process.pid is not None
        return self._process.pid

    def order(self, order: Order) -> None:
        """Tell it what to do; one that has ended does not mind."""
        with suppress(OSError):
            self._line.send(order)

    async def ready(self) -> None:
        """Return when it would claim at once; it waits for the order to begin."""
        await self._ready.wait()

    async def first_claim(self) -> None:
        """Return when it is at work."""
        await self._claimed.wait()

    async def ended(self) -> tuple[int, HasEnded | None]:
        """Wait for its end: the exit code, below zero for a signal, and what it had to say."""
        await _readable(self._process.sentinel)
        self._process.join()
        with suppress(EOFError, OSError):
            while self._line.poll():  # what it said last may not have been read yet
                self._hear(self._line.recv())
        assert self._process.exitcode is not None
        return self._process.exitcode, self._last_words

    def let_go(self) -> None:
        """Close the line to it; if it still works, it drains."""
        asyncio.get_running_loop().remove_reader(self._line.fileno())
        self._line.close()

    def _hear(self, message: Any) -> None:
        match message:
            case IsReady():
                self._ready.set()
            case HasClaimed():
                self._claimed.set()
            case HasEnded():
                self._last_words = message
            case _:
                pass


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Keep signals from a process that is being started until it can do something about them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
