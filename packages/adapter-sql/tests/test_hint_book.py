"""The SQL hint book keeps the contract."""

import pytest
from cronicorn_domain.testing.hint_book_contract import HintBookContract
from cronicorn_domain.testing.store import Store


class TestSqlHintBook(HintBookContract):
    """Hints and triggers."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store
