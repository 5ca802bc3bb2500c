"""Rate limits in memory keep the contract."""

import pytest
from cronicorn_domain.testing.rate_limits_contract import RateLimitsContract
from cronicorn_domain.testing.store import Store


class TestMemoryRateLimits(RateLimitsContract):
    """Buckets of one process."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
