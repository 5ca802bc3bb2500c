"""The history in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.durations import percentile
from cronicorn_domain.model.run import Body, OutcomeClass, Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.run_log import Health, Pruned

from cronicorn_adapter_memory.pruning import Pruning
from cronicorn_adapter_memory.roll_ups import RollUpKey, Sums, counted, minute_of, total
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

    async def add_test(self, run: Run) -> None:
        """Keep a test run."""
        tables = await self._transaction.write()
        tables.row(run.tenant, run.endpoint_id)
        slots = (tables.runs[run_id].slot for run_id in tables.runs_of.of(run.endpoint_id))
        if run.slot not in slots:
            tables.runs[run.id] = run
            tables.runs_of.add(run.endpoint_id, run.id)
            tables.run_days.add(run.slot.date(), run.id)

    async def list_runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 100,
        offset: int = 0,
        before: RunId | None = None,
        status: RunStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        tests: bool = True,
        bodies: bool = False,
    ) -> Sequence[Run]:
        """Return runs, the newest slot first, those before ``before``."""
        found = (
            run
            for run in self._found(tenant, endpoint_id, status=status, since=since, until=until)
            if tests or run.kind is not Kind.TEST
        )
        if before is not None:
            last = self._transaction.read().runs.get(before)
            if last is None or last.endpoint_id != endpoint_id:
                return []
            found = (run for run in found if _by_slot(run) < _by_slot(last))
        page = islice(found, offset, offset + limit)
        return list(page) if bodies else [without_body(run) for run in page]

    async def count_runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        status: RunStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Return how many runs ``list_runs`` has in all."""
        found = self._found(tenant, endpoint_id, status=status, since=since, until=until)
        return len(list(found))

    def _found(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        status: RunStatus | None,
        since: datetime | None,
        until: datetime | None,
    ) -> Iterable[Run]:
        tables = self._transaction.read()
        tables.row(tenant, endpoint_id)
        return (
            run
            for run in _newest_first(tables, endpoint_id)
            if (status is None or run.status is status)
            and (since is None or run.slot >= since)
            and (until is None or run.slot <= until)
        )

    async def list_slot_records(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 100,
        before: datetime | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[SlotRecord]:
        """Return what was not run, the newest slot first."""
        tables = self._transaction.read()
        tables.row(tenant, endpoint_id)
        records = (
            record
            for record in tables.records.of(endpoint_id)
            if (before is None or record.last < before)
            and (since is None or record.last >= since)
            and (until is None or record.first <= until)
        )
        return sorted(records, key=lambda record: record.last, reverse=True)[:limit]

    async def health(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, now: datetime
    ) -> Health:
        """Return the statistics of slots from ``since`` (to the minute) on."""
        tables = self._transaction.read()
        row = tables.row(tenant, endpoint_id)
        runs = [run for run in _newest_first(tables, endpoint_id) if run.kind is not Kind.TEST]
        start = minute_of(since)
        window = [
            adds for run in runs if start <= run.slot <= now and (adds := counted(run)) is not None
        ]
        window += [
            (key, sums)
            for key, sums in tables.roll_ups.items()
            if key.endpoint_id == endpoint_id and start <= key.begins_at <= now
        ]
        return replace(
            statistics(window),
            failure_streak=row.state.failures,
            last_run=without_body(runs[0]) if runs else None,
        )

    async def prune(
        self, *, before: datetime | None, limit: int, now: datetime, most: int | None = None
    ) -> Pruned:
        """Delete history, up to ``limit`` of each kind."""
        pruning = Pruning(tables=await self._transaction.write(), limit=limit)
        pruned = pruning.prune(before=before, now=now, most=most)
        return replace(pruned, breakers=self._transaction.breakers.prune(now))


def _newest_first(tables: Tables, endpoint_id: EndpointId) -> Iterable[Run]:
    runs = [tables.runs[run_id] for run_id in tables.runs_of.of(endpoint_id)]
    return sorted(runs, key=_by_slot, reverse=True)


def _by_slot(run: Run) -> tuple[datetime, int]:
    return run.slot, run.attempt


def without_body(run: Run) -> Run:
    """Leave out of a run what lists leave out."""
    if run.response is None or run.response.body == Body():
        return run
    return replace(run, response=replace(run.response, body=Body()))


def statistics(window: Sequence[tuple[RollUpKey, Sums]]) -> Health:
    """Sum up what is counted of runs, whichever streak they are part of."""
    counts: Counter[OutcomeClass] = Counter()
    steps: Counter[int] = Counter()
    for key, sums in window:
        counts[key.outcome_class] += sums.runs
        steps[key.duration_step] += sums.timed_runs
    whole = total(sums for _, sums in window)
    timed = whole.timed_runs
    return Health(
        success_count=counts[OutcomeClass.SUCCESS],
        target_failure_count=counts[OutcomeClass.TARGET],
        our_failure_count=counts[OutcomeClass.OURS],
        not_attempted_count=counts[OutcomeClass.NOT_ATTEMPTED],
        mean_duration=whole.duration / timed if timed else None,
        median_duration=percentile(steps, 0.5),
        p95_duration=percentile(steps, 0.95),
        mean_lateness=whole.lateness / timed if timed else None,
    )
