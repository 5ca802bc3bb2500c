"""Read the audit: who did what, and what changed by it."""

from datetime import datetime
from uuid import UUID

from cronicorn_domain.identity import AuditId
from cronicorn_domain.model.audit import AuditEntry
from cronicorn_domain.model.job import check_text

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


async def list_audit(
    work: Reading,
    *,
    since: datetime | None = None,
    actor: str | None = None,
    subject: UUID | None = None,
    limit: int = PAGE_USUAL,
    before: AuditId | None = None,
) -> Page[AuditEntry]:
    """Return deeds, the newest first, those behind ``before``. Raises ``InvalidInput``."""
    check_text(actor or "", field="actor")
    found = await work.audit.list_entries(
        work.tenant,
        limit=check_limit(limit),
        before=before,
        since=since,
        actor=actor,
        subject=subject,
    )
    return page_of(found, limit)
