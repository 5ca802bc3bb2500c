"""Rate limits on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.rate_limits_contract import RateLimitsContract
from cronicorn_domain.testing.store import Store


class TestSqlRateLimits(RateLimitsContract):
    """Buckets in a table."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
