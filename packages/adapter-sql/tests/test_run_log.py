"""The SQL run log keeps the contract."""

import pytest
from cronicorn_domain.testing.run_log_contract import RunLogContract
from cronicorn_domain.testing.run_log_window_contract import RunLogWindowContract
from cronicorn_domain.testing.store import Store


class TestSqlRunLog(RunLogContract):
    """Runs, records and statistics."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store


class TestSqlRunLogWindow(RunLogWindowContract):
    """What lies from one instant to another."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
