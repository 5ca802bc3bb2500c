"""The planner's analyses in memory keep the contract."""

import pytest
from cronicorn_domain.testing.analyses_contract import AnalysesContract
from cronicorn_domain.testing.store import Store


class TestMemoryAnalyses(AnalysesContract):
    """Which endpoints are looked at next."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
