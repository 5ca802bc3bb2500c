"""The memory run log keeps the contract."""

import pytest
from cronicorn_domain.testing.run_log_contract import RunLogContract
from cronicorn_domain.testing.run_log_window_contract import RunLogWindowContract
from cronicorn_domain.testing.store import Store


class TestMemoryRunLog(RunLogContract):
    """Runs, records and statistics."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory


class TestMemoryRunLogWindow(RunLogWindowContract):
    """What lies from one instant to another."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
