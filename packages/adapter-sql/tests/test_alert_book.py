"""Alerts on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.alert_book_contract import AlertBookContract
from cronicorn_domain.testing.store import Store


class TestSqlAlertBook(AlertBookContract):
    """Of what people want to be told."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
