"""API keys in memory keep the contract."""

import pytest
from cronicorn_domain.testing.api_keys_contract import ApiKeysContract
from cronicorn_domain.testing.store import Store


class TestMemoryApiKeys(ApiKeysContract):
    """By what programs prove themselves."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
