"""Room for history on SQL keeps the contract."""

import pytest
from cronicorn_domain.testing.history_room_contract import HistoryRoomContract
from cronicorn_domain.testing.store import Store


class TestSqlHistoryRoom(HistoryRoomContract):
    """Days of history."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store
