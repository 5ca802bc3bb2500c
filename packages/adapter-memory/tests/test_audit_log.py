"""The audit in memory keeps the contract."""

import pytest
from cronicorn_domain.testing.audit_log_contract import AuditLogContract
from cronicorn_domain.testing.store import Store


class TestMemoryAuditLog(AuditLogContract):
    """Who did what."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store."""
        return memory
