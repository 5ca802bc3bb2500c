"""Device grants in memory keep the contract."""

import pytest
from cronicorn_domain.testing.device_grants_contract import DeviceGrantsContract
from cronicorn_domain.testing.store import Store


class TestMemoryDeviceGrants(DeviceGrantsContract):
    """Which devices wait to be let in."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
