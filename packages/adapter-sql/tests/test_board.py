"""The board on SQL keeps the contract."""

import pytest
from cronicorn_domain.testing.board_contract import BoardContract
from cronicorn_domain.testing.store import Store


class TestSqlBoard(BoardContract):
    """Lists and counts of endpoints."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
