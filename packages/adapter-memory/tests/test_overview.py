"""The overview in memory keeps the contract."""

import pytest
from cronicorn_domain.testing.overview_contract import OverviewContract
from cronicorn_domain.testing.store import Store


class TestMemoryOverview(OverviewContract):
    """Sums and lists over all runs."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
