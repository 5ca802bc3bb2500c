"""Wake-ups: within a process by a signal, from others by notifications where there are any."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from cronicorn_adapter_sql.listening import Listening

_LATELY: Final = timedelta(seconds=1)


class Signal:
    """Counts what was signalled, so that nobody who has armed before misses one."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._monotonic = monotonic
        self._looked_at: float | None = None

    def send(self) -> None:
        """Wake everybody who waits."""
        self.count += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_beyond(self, count: int) -> None:
        """Return when more than ``count`` signals have been sent."""
        while self.count <= count:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    def look(self) -> None:
        """Note that somebody of this process looks for what is due."""
        self._looked_at = self._monotonic()

    @property
    def heeded(self) -> bool:
        """Whether somebody of this process waits for a signal, or has looked within a second."""
        if self._waiters:
            return True
        looked_at = self._looked_at
        return looked_at is not None and self._monotonic() - looked_at < _LATELY.total_seconds()


class SqlWakeups:
    """
    Ends the waits of this process's workers when a commit brought a slot earlier.

    Commits of other processes are heard from the first ``arm`` on, if there is ``listening``.
    """

    def __init__(self, signal: Signal, listening: Listening | None) -> None:
        self._signal = signal
        self._listening = listening
        self._seen = signal.count

    def arm(self) -> None:
        """Forget the signals up to now."""
        if self._listening is not None:
            self._listening.begin()
        self._signal.look()
        self._seen = self._signal.count

    async def wait(self) -> None:
        """Return when a signal has come since the last ``arm``."""
        await self._signal.wait_beyond(self._seen)
