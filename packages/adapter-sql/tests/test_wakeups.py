"""The SQL wake-ups keep the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.wakeups_contract import WakeupsContract


class TestSqlWakeups(WakeupsContract):
    """Signals within one process."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store
