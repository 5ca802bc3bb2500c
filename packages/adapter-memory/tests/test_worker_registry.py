"""The registry in memory keeps the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.worker_registry_contract import WorkerRegistryContract


class TestMemoryWorkerRegistry(WorkerRegistryContract):
    """Workers of one process."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
