"""The audit on SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from cronicorn_domain.identity import AuditId, TenantId
from cronicorn_domain.model.audit import AuditEntry, FieldChange, Subject, SubjectKind
from sqlalchemy import select, tuple_

from cronicorn_adapter_sql.audit_rows import NOTE, values_of_entry
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.tables import audit_entries
from cronicorn_adapter_sql.transaction import Transaction

_BY_TIME: Final = (audit_entries.c.at, audit_entries.c.id)


class SqlAuditLog:
    """Who did what, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, *entries: AuditEntry) -> None:
        """Keep entries, all in one statement."""
        connection = await self._transaction.begin_writing()
        with translated():
            await NOTE.run(connection, [values_of_entry(each) for each in entries])

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
        statement = select(audit_entries).where(audit_entries.c.tenant == tenant)
        if before is not None:
            last = select(*_BY_TIME).where(
                audit_entries.c.id == before, audit_entries.c.tenant == tenant
            )
            statement = statement.where(tuple_(*_BY_TIME) < last.scalar_subquery())
        if since is not None:
            statement = statement.where(audit_entries.c.at >= since)
        if actor is not None:
            statement = statement.where(audit_entries.c.actor == actor)
        if subject is not None:
            statement = statement.where(audit_entries.c.subject == subject)
        newest = statement.order_by(*(column.desc() for column in _BY_TIME)).limit(limit)
        with translated():
            rows = (await self._transaction.connection.execute(newest)).mappings().all()
        return [_entry(row) for row in rows]


def _entry(row: Columns) -> AuditEntry:
    return AuditEntry(
        id=AuditId(row["id"]),
        tenant=TenantId(row["tenant"]),
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=Subject(
            kind=SubjectKind(row["subject_kind"]), id=row["subject"], name=row["subject_name"]
        ),
        changes=tuple(
            FieldChange(field=each["field"], before=each["before"], after=each["after"])
            for each in row["changes"]
        ),
    )
