"""The quick hasher keeps the contract."""

import pytest
from cronicorn_adapter_memory.password_hasher import QuickPasswordHasher
from cronicorn_domain.ports.password_hasher import PasswordHasher
from cronicorn_domain.testing.password_hasher_contract import PasswordHasherContract


class TestQuickPasswordHasher(PasswordHasherContract):
    """For tests."""

    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        """Provide the hasher."""
        return QuickPasswordHasher()
