"""Sign-ins in memory keep the contract."""

import pytest
from cronicorn_domain.testing.sign_ins_contract import SignInsContract
from cronicorn_domain.testing.store import Store


class TestMemorySignIns(SignInsContract):
    """Who is signed in."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
