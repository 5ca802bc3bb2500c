"""API keys on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.api_keys_contract import ApiKeysContract
from cronicorn_domain.testing.store import Store


class TestSqlApiKeys(ApiKeysContract):
    """By what programs prove themselves."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
