"""What happens, on SQL: one statement for each look, of few rows from the ends of indexes."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from cronicorn_domain.identity import AuditId, EndpointId, RunId, TenantId
from cronicorn_domain.model.audit import SubjectKind
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.glimpse import DeedGlimpse, Glimpse, RunGlimpse
from cronicorn_domain.model.run import FailureKind, RunStatus
from sqlalchemy import Select, String, and_, cast, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.tables import audit_entries, runs

_Columns = Select[Any]


class SqlActivity:
    """Looks at the history and the audit; each look is a transaction that only reads."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._reading = single_statements(read_only(engine))

    async def look(
        self,
        tenants: Collection[TenantId],
        *,
        since: datetime,
        running: Mapping[RunId, datetime],
        limit: int,
    ) -> Glimpse:
        """Return the latest runs and deeds of tenants."""
        parts = [
            select(part.order_by(part.selected_columns.at.desc()).limit(limit).subquery())
            for tenant in sorted(set(tenants))
            for part in _of_tenant(tenant, since)
        ]
        if running:
            parts.append(_named(running))
        if not parts:
            return Glimpse()
        with translated():
            async with self._reading.connect() as connection:
                rows = (await connection.execute(union_all(*parts))).mappings().all()
        found = {row["id"]: _run(row) for row in rows if row["what"] == _RUN}
        return Glimpse(
            runs=tuple(found.values()),
            deeds=tuple(_deed(row) for row in rows if row["what"] == _DEED),
        )


_RUN: Final = "run"
_DEED: Final = "deed"
_RUNS: Final[_Columns] = select(
    literal(_RUN).label("what"),
    runs.c.id,
    runs.c.tenant,
    runs.c.endpoint_id.label("subject"),
    runs.c.slot.label("at"),
    runs.c.source.label("kind"),
    runs.c.status.label("word"),
    runs.c.attempt,
    runs.c.claimed_at,
    runs.c.started_at,
    runs.c.finished_at,
    runs.c.failure_kind,
)
_DEEDS: Final[_Columns] = select(
    literal(_DEED).label("what"),
    audit_entries.c.id,
    audit_entries.c.tenant,
    audit_entries.c.subject,
    audit_entries.c.at,
    audit_entries.c.subject_kind.label("kind"),
    audit_entries.c.action.label("word"),
    literal(0).label("attempt"),
    audit_entries.c.at.label("claimed_at"),
    *(cast(null(), UtcDateTime).label(name) for name in ("started_at", "finished_at")),
    cast(null(), String).label("failure_kind"),
)


def _of_tenant(tenant: TenantId, since: datetime) -> Iterator[_Columns]:
    yield _RUNS.where(runs.c.tenant == tenant, runs.c.slot >= since)
    yield _DEEDS.where(audit_entries.c.tenant == tenant, audit_entries.c.at >= since)


def _named(running: Mapping[RunId, datetime]) -> _Columns:
    """Find runs by their keys; their slots say in which partitions they are."""
    return _RUNS.where(and_(runs.c.id.in_(running), runs.c.slot.in_(set(running.values()))))


def _run(row: Columns) -> RunGlimpse:
    failure = row["failure_kind"]
    return RunGlimpse(
        id=RunId(row["id"]),
        endpoint_id=EndpointId(row["subject"]),
        tenant=TenantId(row["tenant"]),
        slot=row["at"],
        attempt=row["attempt"],
        source=Source(row["kind"]),
        status=RunStatus(row["word"]),
        claimed_at=row["claimed_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        failure_kind=None if failure is None else FailureKind(failure),
    )


def _deed(row: Columns) -> DeedGlimpse:
    return DeedGlimpse(
        id=AuditId(row["id"]),
        tenant=TenantId(row["tenant"]),
        at=row["at"],
        action=row["word"],
        subject_kind=SubjectKind(row["kind"]),
        subject=row["subject"],
    )
