"""Device grants on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.device_grants_contract import DeviceGrantsContract
from cronicorn_domain.testing.store import Store


class TestSqlDeviceGrants(DeviceGrantsContract):
    """Which devices wait to be let in."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
