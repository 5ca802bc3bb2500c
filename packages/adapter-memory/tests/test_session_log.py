"""The planner's sessions in memory keep the contract."""

import pytest
from cronicorn_domain.testing.session_log_contract import SessionLogContract
from cronicorn_domain.testing.store import Store


class TestMemorySessionLog(SessionLogContract):
    """What was made of endpoints."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
