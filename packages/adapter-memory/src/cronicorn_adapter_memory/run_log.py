"""The history in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.run import Body, FailureKind, OutcomeClass, Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.run_log import Health, Pruned

from cronicorn_adapter_memory.tables import Tables
from cronicorn_adapter_memory.transaction import Transaction


class MemoryRunLog:
    """Runs, slot records and their statistics, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, tenant: TenantId, run_id: RunId) -> Run:
        """Return the run with its response body."""
        run = self._transaction.read().runs.get(run_id)
        if run is None or run.tenant != tenant:
            raise NotFound("run", run_id)
        return run

    async def list_runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 100,
        before: RunId | None = None,
        status: RunStatus | None = None,
    ) -> Sequence[Run]:
        """Return runs, the newest slot first, those before ``before``; bodies are left out."""
        tables = self._transaction.read()
        tables.row(tenant, endpoint_id)
        last = None if before is None else tables.runs.get(before)
        found = (
            _without_body(run)
            for run in _newest_first(tables, endpoint_id)
            if (before is None or (last is not None and _by_slot(run) < _by_slot(last)))
            and (status is None or run.status is status)
        )
        return list(islice(found, limit))

    async def list_slot_records(
        self, tenant: TenantId, endpoint_id: EndpointId, *, limit: int = 100
    ) -> Sequence[SlotRecord]:
        """Return what was not run, the newest slot first."""
        tables = self._transaction.read()
        tables.row(tenant, endpoint_id)
        records = tables.records.of(endpoint_id)
        return sorted(records, key=lambda record: record.last, reverse=True)[:limit]

    async def health(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, now: datetime
    ) -> Health:
        """Return the statistics of slots from ``since`` (to the minute) on."""
        tables = self._transaction.read()
        row = tables.row(tenant, endpoint_id)
        runs = [run for run in _newest_first(tables, endpoint_id) if run.kind is not Kind.TEST]
        start = since.replace(second=0, microsecond=0)
        window = [run for run in runs if start <= run.slot <= now]
        health = _statistics(window)
        return replace(
            health,
            failure_streak=row.state.failures,
            last_run=_without_body(runs[0]) if runs else None,
        )

    async def prune(self, *, before: datetime, limit: int, now: datetime) -> Pruned:  # noqa: ARG002
        """Delete up to ``limit`` settled runs and slot records, slots before ``before``."""
        tables = await self._transaction.write()
        return Pruned(
            runs=_prune_runs(tables, before, limit),
            slot_records=_prune_records(tables, before, limit),
        )


def _newest_first(tables: Tables, endpoint_id: EndpointId) -> Iterable[Run]:
    runs = [tables.runs[run_id] for run_id in tables.runs_of.of(endpoint_id)]
    return sorted(runs, key=_by_slot, reverse=True)


def _by_slot(run: Run) -> tuple[datetime, int]:
    return run.slot, run.attempt


def _without_body(run: Run) -> Run:
    if run.response is None or run.response.body == Body():
        return run
    return replace(run, response=replace(run.response, body=Body()))


def _statistics(runs: Sequence[Run]) -> Health:
    counts = Counter(run.outcome_class for run in runs)
    spans = [(run, *span) for run in runs if (span := _span(run)) is not None]
    return Health(
        success_count=counts[OutcomeClass.SUCCESS],
        target_failure_count=counts[OutcomeClass.TARGET],
        our_failure_count=counts[OutcomeClass.OURS],
        not_attempted_count=counts[OutcomeClass.NOT_ATTEMPTED],
        mean_duration=_mean([end - start for _, start, end in spans]),
        mean_lateness=_mean([start - run.decision.due_at for run, start, _ in spans]),
    )


def _span(run: Run) -> tuple[datetime, datetime] | None:
    """Return start and end of a request that was made and settled; a lost one's end is unknown."""
    if run.outcome_class is OutcomeClass.NOT_ATTEMPTED:
        return None
    if run.failure_kind is FailureKind.ABANDONED or not run.started_at or not run.finished_at:
        return None
    return run.started_at, run.finished_at


def _mean(lengths: Sequence[timedelta]) -> timedelta | None:
    return sum(lengths, timedelta()) / len(lengths) if lengths else None


def _prune_runs(tables: Tables, before: datetime, limit: int) -> int:
    gone = list(islice(_settled_before(tables, before), limit))
    ids = {run.id for run in gone}
    for run_id in ids:
        del tables.runs[run_id]
    for day in {run.slot.date() for run in gone}:
        left = [run_id for run_id in tables.run_days.of(day) if run_id not in ids]
        tables.run_days.replace(day, left)
    for endpoint_id in {run.endpoint_id for run in gone}:
        left = [run_id for run_id in tables.runs_of.of(endpoint_id) if run_id not in ids]
        tables.runs_of.replace(endpoint_id, left)
    return len(gone)


def _settled_before(tables: Tables, before: datetime) -> Iterable[Run]:
    for day in sorted(day for day in tables.run_days.filled() if day <= before.date()):
        for run_id in tables.run_days.of(day):
            run = tables.runs[run_id]
            if run.slot < before and run.status is not RunStatus.RUNNING:
                yield run


def _prune_records(tables: Tables, before: datetime, limit: int) -> int:
    pruned = 0
    for endpoint_id in tables.records.filled():
        kept: list[SlotRecord] = []
        for record in (records := tables.records.of(endpoint_id)):
            if record.last < before and pruned < limit:
                pruned += 1
            else:
                kept.append(record)
        if len(kept) < len(records):
            tables.records.replace(endpoint_id, kept)
    return pruned
