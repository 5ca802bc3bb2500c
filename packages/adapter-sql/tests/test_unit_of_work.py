"""The SQL units of work keep the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.unit_of_work_contract import UnitOfWorkContract


class TestSqlUnitOfWork(UnitOfWorkContract):
    """Commits and rollbacks."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store
