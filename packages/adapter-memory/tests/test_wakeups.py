"""The memory wake-ups keep the contract."""

import pytest
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.wakeups_contract import (
    WakeupsBetweenProcessesContract,
    WakeupsContract,
)


class TestMemoryWakeups(WakeupsContract):
    """Signals within one process."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory


class TestMemoryWakeupsBetweenProcesses(WakeupsBetweenProcessesContract):
    """Whatever has the store at hand shares its signals."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
