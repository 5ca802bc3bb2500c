"""The overview on SQL keeps the contract."""

import pytest
from cronicorn_domain.testing.overview_contract import OverviewContract
from cronicorn_domain.testing.store import Store


class TestSqlOverview(OverviewContract):
    """Sums and lists over all runs."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
