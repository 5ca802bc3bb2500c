"""The memory units of work keep the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.unit_of_work_contract import UnitOfWorkContract


class TestMemoryUnitOfWork(UnitOfWorkContract):
    """Commits and rollbacks."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
