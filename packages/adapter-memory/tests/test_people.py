"""People in memory keep the contract."""

import pytest
from cronicorn_domain.testing.people_contract import PeopleContract
from cronicorn_domain.testing.store import Store


class TestMemoryPeople(PeopleContract):
    """Who may sign in."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
