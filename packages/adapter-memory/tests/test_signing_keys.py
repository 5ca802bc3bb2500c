"""Signing keys in memory keep the contract."""

import pytest
from cronicorn_domain.testing.signing_keys_contract import SigningKeysContract
from cronicorn_domain.testing.store import Store


class TestMemorySigningKeys(SigningKeysContract):
    """What requests are signed with."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
