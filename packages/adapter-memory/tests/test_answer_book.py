"""Kept answers in memory keep the contract."""

import pytest
from cronicorn_domain.testing.answer_book_contract import AnswerBookContract
from cronicorn_domain.testing.store import Store


class TestMemoryAnswerBook(AnswerBookContract):
    """Answers of one process."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
