"""The chronicle in memory keeps the contract."""

import pytest
from cronicorn_domain.testing.chronicle_contract import ChronicleContract
from cronicorn_domain.testing.store import Store


class TestMemoryChronicle(ChronicleContract):
    """One endpoint's past."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
