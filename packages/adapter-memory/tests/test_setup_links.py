"""Setup links in memory keep the contract."""

import pytest
from cronicorn_domain.testing.setup_links_contract import SetupLinksContract
from cronicorn_domain.testing.store import Store


class TestMemorySetupLinks(SetupLinksContract):
    """By which an installation gets its owner."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
