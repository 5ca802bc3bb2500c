"""Sign-ins on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.sign_ins_contract import SignInsContract
from cronicorn_domain.testing.store import Store


class TestSqlSignIns(SignInsContract):
    """Who is signed in."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
