"""A queue with metrics around it is a queue still: it keeps the contract."""

import pytest
from cronicorn_adapter_memory.activity import MemoryActivity
from cronicorn_adapter_memory.dispatcher import RecordingDispatcher
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.history_room import MemoryHistoryRoom
from cronicorn_adapter_memory.rate_limits import MemoryRateLimits
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_adapter_memory.worker_registry import MemoryWorkerRegistry
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.testing.endpoint_queue_caps_contract import EndpointQueueCapsContract
from cronicorn_domain.testing.endpoint_queue_contract import EndpointQueueContract
from cronicorn_domain.testing.endpoint_queue_isolation_contract import (
    EndpointQueueIsolationContract,
)
from cronicorn_domain.testing.endpoint_queue_lease_contract import EndpointQueueLeaseContract
from cronicorn_domain.testing.endpoint_queue_release_contract import EndpointQueueReleaseContract
from cronicorn_domain.testing.endpoint_queue_settle_contract import EndpointQueueSettleContract
from cronicorn_domain.testing.store import Store
from cronicorn_metering.meters import metered
from cronicorn_metering.parts import Parts
from cronicorn_metering.readings import Readings
from cronicorn_scheduler.observing import SilentObserver


async def none_open() -> int:
    """Count open breakers."""
    return 0


class MeteredHandle:
    """A way into a store in memory whose queue has metrics around it."""

    def __init__(self, store: MemoryStore) -> None:
        parts = Parts(
            queue=MemoryEndpointQueue(store),
            dispatcher=RecordingDispatcher(),
            observer=SilentObserver(),
        )
        readings = Readings(
            concurrency=1,
            connections_most=1,
            connections_in_use=lambda: 0,
            slots_recorded={},
            clock_skew=lambda: NO_TIME,
            open_breakers=none_open,
        )
        around, _, _ = metered(parts, readings)
        self._store = store
        self.queue = around.queue
        self.units = MemoryUnitsOfWork(store)
        self.wakeups = MemoryWakeups(store)
        self.workers = MemoryWorkerRegistry(store)
        self.limits = MemoryRateLimits(store)
        self.activity = MemoryActivity(store)
        self.room = MemoryHistoryRoom()

    async def another(self) -> "MeteredHandle":
        """Return a second handle on the same data."""
        return MeteredHandle(self._store)

    async def corrupt_schedule(self, endpoint_id: EndpointId) -> None:
        """Make the stored schedule unreadable."""
        self._store.tables.endpoints[endpoint_id].unreadable = "the expression is broken"

    async def mend_schedule(self, endpoint_id: EndpointId) -> None:
        """Make it readable again."""
        self._store.tables.endpoints[endpoint_id].unreadable = None


class Metered:
    """Gives the suites a store whose queue is measured."""

    @pytest.fixture
    async def store(self) -> Store:
        """Provide an empty store in memory."""
        return MeteredHandle(MemoryStore())


class TestClaims(Metered, EndpointQueueContract):
    """What a claim brings."""


class TestCaps(Metered, EndpointQueueCapsContract):
    """Caps are handed on."""


class TestLeases(Metered, EndpointQueueLeaseContract):
    """Starts, renewals and losses."""


class TestReleases(Metered, EndpointQueueReleaseContract):
    """Claims undone."""


class TestSettles(Metered, EndpointQueueSettleContract):
    """Results, and what follows them."""


class TestIsolation(Metered, EndpointQueueIsolationContract):
    """One bad item harms only itself."""
