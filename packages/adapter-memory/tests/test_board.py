"""The board in memory keeps the contract."""

import pytest
from cronicorn_domain.testing.board_contract import BoardContract
from cronicorn_domain.testing.store import Store


class TestMemoryBoard(BoardContract):
    """Lists and counts of endpoints."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
