"""What happens in memory is seen as the contract says."""

import pytest
from cronicorn_domain.testing.activity_contract import ActivityContract
from cronicorn_domain.testing.store import Store


class TestMemoryActivity(ActivityContract):
    """Looks at one store."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
