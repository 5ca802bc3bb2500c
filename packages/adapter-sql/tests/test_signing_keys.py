"""Signing keys on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.signing_keys_contract import SigningKeysContract
from cronicorn_domain.testing.store import Store


class TestSqlSigningKeys(SigningKeysContract):
    """What requests are signed with."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
