"""What happens on SQL is seen as the contract says."""

import pytest
from cronicorn_domain.testing.activity_contract import ActivityContract
from cronicorn_domain.testing.store import Store


class TestSqlActivity(ActivityContract):
    """Looks at one store."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
