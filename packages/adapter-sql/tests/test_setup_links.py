"""Setup links on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.setup_links_contract import SetupLinksContract
from cronicorn_domain.testing.store import Store


class TestSqlSetupLinks(SetupLinksContract):
    """By which an installation gets its owner."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
