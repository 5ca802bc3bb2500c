"""The audit on SQL keeps the contract."""

import pytest
from cronicorn_domain.testing.audit_log_contract import AuditLogContract
from cronicorn_domain.testing.store import Store


class TestSqlAuditLog(AuditLogContract):
    """Who did what."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store
