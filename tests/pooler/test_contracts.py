"""Behind a pooler the store keeps the contracts to the letter."""

from collections.abc import AsyncIterator

import pytest
from cronicorn_adapter_sql.testing.handle import SqlHandle, opened_handle
from cronicorn_domain.testing.endpoint_queue_concurrency_contract import (
    EndpointQueueConcurrencyContract,
)
from cronicorn_domain.testing.endpoint_queue_contract import EndpointQueueContract
from cronicorn_domain.testing.endpoint_queue_lease_contract import EndpointQueueLeaseContract
from cronicorn_domain.testing.endpoint_queue_release_contract import EndpointQueueReleaseContract
from cronicorn_domain.testing.endpoint_queue_settle_contract import EndpointQueueSettleContract
from cronicorn_domain.testing.history_room_contract import HistoryRoomContract
from cronicorn_domain.testing.job_catalog_contract import JobCatalogContract
from cronicorn_domain.testing.job_catalog_endpoints_contract import JobCatalogEndpointsContract
from cronicorn_domain.testing.unit_of_work_contract import UnitOfWorkContract
from cronicorn_domain.testing.wakeups_contract import WakeupsContract
from cronicorn_domain.testing.worker_registry_contract import WorkerRegistryContract


class Pooled:
    """Gives the suites a store behind a pooler."""

    @pytest.fixture
    async def store(self, pooled_url: str) -> AsyncIterator[SqlHandle]:
        """Provide an empty store."""
        async with opened_handle(pooled_url) as handle:
            yield handle


class TestClaims(Pooled, EndpointQueueContract):
    """What a claim brings."""


class TestConcurrency(Pooled, EndpointQueueConcurrencyContract):
    """Several handles at once."""


class TestLeases(Pooled, EndpointQueueLeaseContract):
    """Starts, renewals and losses."""


class TestReleases(Pooled, EndpointQueueReleaseContract):
    """Claims undone."""


class TestSettles(Pooled, EndpointQueueSettleContract):
    """Results, and what follows them."""


class TestHistoryRoom(Pooled, HistoryRoomContract):
    """Partitions of days."""


class TestJobs(Pooled, JobCatalogContract):
    """Jobs and their states."""


class TestEndpoints(Pooled, JobCatalogEndpointsContract):
    """Endpoints and their edits."""


class TestUnitOfWork(Pooled, UnitOfWorkContract):
    """Transactions."""


class TestWakeups(Pooled, WakeupsContract):
    """Signals within a process, and polling for what others do."""


class TestWorkerRegistry(Pooled, WorkerRegistryContract):
    """Who works."""
