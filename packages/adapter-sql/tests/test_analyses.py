"""The planner's analyses on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.analyses_contract import AnalysesContract
from cronicorn_domain.testing.store import Store


class TestSqlAnalyses(AnalysesContract):
    """Which endpoints are looked at next."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
