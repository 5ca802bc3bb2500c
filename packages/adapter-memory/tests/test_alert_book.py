"""Alerts in memory keep the contract."""

import pytest
from cronicorn_domain.testing.alert_book_contract import AlertBookContract
from cronicorn_domain.testing.store import Store


class TestMemoryAlertBook(AlertBookContract):
    """Of what people want to be told."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
