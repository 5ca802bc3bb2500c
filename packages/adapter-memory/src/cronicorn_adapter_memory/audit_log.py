"""The audit in memory."""

import heapq
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cronicorn_domain.identity import AuditId, TenantId
from cronicorn_domain.model.audit import AuditEntry

from cronicorn_adapter_memory.transaction import Transaction


class MemoryAuditLog:
    """Who did what, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, *entries: AuditEntry) -> None:
        """Keep entries."""
        audit = (await self._transaction.write()).audit
        for entry in entries:
            audit[entry.id] = entry

    async def list_entries(
        self,
        tenant: TenantId,
        *,
        limit: int = 100,
        before: AuditId | None = None,
        since: datetime | None = None,
        actor: str | None = None,
        subject: UUID | None = None,
    ) -> Sequence[AuditEntry]:
        """Return entries, the newest first."""
        audit = self._transaction.read().audit
        last = None if before is None else audit.get(before)
        if before is not None and (last is None or last.tenant != tenant):
            return []
        chosen = (
            entry
            for entry in audit.values()
            if entry.tenant == tenant
            and (last is None or _by_time(entry) < _by_time(last))
            and (since is None or entry.at >= since)
            and actor in {None, entry.actor}
            and subject in {None, entry.subject.id}
        )
        return heapq.nlargest(limit, chosen, key=_by_time)


def _by_time(entry: AuditEntry) -> tuple[datetime, AuditId]:
    return entry.at, entry.id
