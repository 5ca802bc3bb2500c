"""The memory hint book keeps the contract."""

import pytest
from cronicorn_domain.testing.hint_book_contract import HintBookContract
from cronicorn_domain.testing.store import Store


class TestMemoryHintBook(HintBookContract):
    """Hints and triggers."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
