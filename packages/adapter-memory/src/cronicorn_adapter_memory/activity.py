"""What happens, in memory."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from heapq import nlargest

from cronicorn_domain.identity import RunId, TenantId
from cronicorn_domain.model.audit import AuditEntry
from cronicorn_domain.model.glimpse import DeedGlimpse, Glimpse, RunGlimpse
from cronicorn_domain.model.run import Run

from cronicorn_adapter_memory.store import MemoryStore


class MemoryActivity:
    """Looks at the tables of one store."""

    def __init__(self, store: MemoryStore) -> None:
        self._tables = store.tables

    async def look(
        self,
        tenants: Collection[TenantId],
        *,
        since: datetime,
        running: Mapping[RunId, datetime],
        limit: int,
    ) -> Glimpse:
        """Return the latest runs and deeds of tenants."""
        found = {run.id: run for tenant in set(tenants) for run in self._runs(tenant, since, limit)}
        named = (self._tables.runs.get(run_id) for run_id in running)
        found |= {run.id: run for run in named if run is not None}
        deeds = [each for tenant in set(tenants) for each in self._deeds(tenant, since, limit)]
        return Glimpse(runs=tuple(map(_run, found.values())), deeds=tuple(map(_deed, deeds)))

    def _runs(self, tenant: TenantId, since: datetime, limit: int) -> Iterator[Run]:
        runs = self._tables.runs.values()
        theirs = (each for each in runs if each.tenant == tenant and each.slot >= since)
        yield from nlargest(limit, theirs, key=lambda each: each.slot)

    def _deeds(self, tenant: TenantId, since: datetime, limit: int) -> Iterator[AuditEntry]:
        entries = self._tables.audit.values()
        theirs = (each for each in entries if each.tenant == tenant and each.at >= since)
        yield from nlargest(limit, theirs, key=lambda each: each.at)


def _run(run: Run) -> RunGlimpse:
    return RunGlimpse(
        id=run.id,
        endpoint_id=run.endpoint_id,
        tenant=run.tenant,
        slot=run.slot,
        attempt=run.attempt,
        source=run.decision.source,
        status=run.status,
        claimed_at=run.claimed_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        failure_kind=run.failure_kind,
    )


def _deed(entry: AuditEntry) -> DeedGlimpse:
    return DeedGlimpse(
        id=entry.id,
        tenant=entry.tenant,
        at=entry.at,
        action=entry.action,
        subject_kind=entry.subject.kind,
        subject=entry.subject.id,
    )
