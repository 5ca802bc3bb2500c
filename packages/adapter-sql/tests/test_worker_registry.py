"""The registry on SQL keeps the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.worker_registry_contract import WorkerRegistryContract


class TestSqlWorkerRegistry(WorkerRegistryContract):
    """Workers over one database."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store
