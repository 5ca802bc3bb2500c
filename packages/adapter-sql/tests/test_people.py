"""People on SQL keep the contract."""

import pytest
from cronicorn_domain.testing.people_contract import PeopleContract
from cronicorn_domain.testing.store import Store


class TestSqlPeople(PeopleContract):
    """Who may sign in."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
