"""The planner's sessions on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.session_log_contract import SessionLogContract
from cronicorn_domain.testing.store import Store


class TestSqlSessionLog(SessionLogContract):
    """What was made of endpoints."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
