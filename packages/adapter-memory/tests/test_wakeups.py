"""The memory wake-ups keep the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.wakeups_contract import WakeupsContract


class TestMemoryWakeups(WakeupsContract):
    """Signals within one process."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
