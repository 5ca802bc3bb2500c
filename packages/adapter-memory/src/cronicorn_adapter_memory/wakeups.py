"""Wake-ups within one process."""

from cronicorn_adapter_memory.store import MemoryStore


class MemoryWakeups:
    """Ends the waits of all workers of this process when something became due earlier."""

    def __init__(self, store: MemoryStore) -> None:
        self._signal = store.came_earlier
        self._seen = self._signal.count

    def arm(self) -> None:
        """Forget the signals up to now."""
        self._seen = self._signal.count

    async def wait(self) -> None:
        """Return when a signal has come since the last ``arm``."""
        await self._signal.wait_beyond(self._seen)
