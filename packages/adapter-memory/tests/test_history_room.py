"""Room for history in memory keeps the contract."""

import pytest
from cronicorn_domain.testing.history_room_contract import HistoryRoomContract
from cronicorn_domain.testing.store import Store


class TestMemoryHistoryRoom(HistoryRoomContract):
    """Days of history."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory
