"""The store that the contract suites run over."""

import pytest
from cronicorn_adapter_memory.activity import MemoryActivity
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.history_room import MemoryHistoryRoom
from cronicorn_adapter_memory.rate_limits import MemoryRateLimits
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_adapter_memory.worker_registry import MemoryWorkerRegistry
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.testing.store import Store


class MemoryHandle:
    """One way into a store; another is as good as another process would be."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.queue = MemoryEndpointQueue(store)
        self.units = MemoryUnitsOfWork(store)
        self.wakeups = MemoryWakeups(store)
        self.workers = MemoryWorkerRegistry(store)
        self.limits = MemoryRateLimits(store)
        self.activity = MemoryActivity(store)
        self.room = MemoryHistoryRoom()

    async def another(self) -> "MemoryHandle":
        """Return a second handle on the same data."""
        return MemoryHandle(self._store)

    async def corrupt_schedule(self, endpoint_id: EndpointId) -> None:
        """Make the stored schedule unreadable."""
        self._store.tables.endpoints[endpoint_id].unreadable = "the expression is broken"

    async def mend_schedule(self, endpoint_id: EndpointId) -> None:
        """Make it readable again."""
        self._store.tables.endpoints[endpoint_id].unreadable = None


@pytest.fixture
def memory() -> Store:
    """Provide an empty store in memory."""
    return MemoryHandle(MemoryStore())
