"""The chronicle on SQL keeps the contract."""

import pytest
from cronicorn_domain.testing.chronicle_contract import ChronicleContract
from cronicorn_domain.testing.store import Store


class TestSqlChronicle(ChronicleContract):
    """One endpoint's past."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
