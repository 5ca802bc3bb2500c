"""The SQL wake-ups keep the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.wakeups_contract import (
    WakeupsBetweenProcessesContract,
    WakeupsContract,
)


class TestSqlWakeups(WakeupsContract):
    """Signals within one process."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store


class TestSqlWakeupsBetweenProcesses(WakeupsBetweenProcessesContract):
    """Signals by NOTIFY."""

    @pytest.fixture
    async def store(self, postgres_store: Store) -> Store:
        """Provide an empty store on PostgreSQL."""
        return postgres_store
