"""Keeps who did what, and what changed by it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cronicorn_domain.identity import AuditId, TenantId
from cronicorn_domain.model.audit import AuditEntry


class AuditLog(Protocol):
    """
    Deeds of people, programs and agents; takes part in the caller's unit of work.

    Promises:

    - An entry lasts when what it tells of does, and never without it.
    - What was written is not changed any more; it outlives its subject.
    - Another tenant's entries are never returned.
    """

    async def add(self, *entries: AuditEntry) -> None:
        """Keep entries; many cost little more than one."""
        ...

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
        """
        Return entries, the newest first.

        With ``before`` those that come behind that entry, in this order; none if the tenant has no
        such entry. ``since`` is within. The others choose by who did it, and to what.
        """
        ...
