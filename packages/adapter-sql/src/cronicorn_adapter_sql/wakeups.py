"""Wake-ups within one process; other processes learn by polling."""

import asyncio


class Signal:
    """Counts what was signalled, so that nobody who has armed before misses one."""

    def __init__(self) -> None:
        self.count = 0
        self._waiters: set[asyncio.Future[None]] = set()

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


class SqlWakeups:
    """Ends the waits of this process's workers when a commit of ours brought a slot earlier."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._seen = signal.count

    def arm(self) -> None:
        """Forget the signals up to now."""
        self._seen = self._signal.count

    async def wait(self) -> None:
        """Return when a signal has come since the last ``arm``."""
        await self._signal.wait_beyond(self._seen)
