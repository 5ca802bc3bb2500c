"""The history on SQL."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.durations import percentile
from cronicorn_domain.model.run import OutcomeClass, Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.run_log import Health, Pruned
from sqlalchemy import ColumnElement, Executable, Select, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_runs import (
    run_from,
    values_of_body,
    values_of_claimed,
    values_of_ended,
)
from cronicorn_adapter_sql.mapping_states import record_from
from cronicorn_adapter_sql.pruning import Pruning
from cronicorn_adapter_sql.roll_ups import minute_of
from cronicorn_adapter_sql.tables import (
    endpoint_state,
    leases,
    roll_ups,
    run_bodies,
    runs,
    slot_records,
)
from cronicorn_adapter_sql.transaction import Transaction

_INSERT: Final[Mapping[str, Executable]] = {
    "postgresql": postgresql.insert(runs).on_conflict_do_nothing().returning(runs.c.id),
    "sqlite": sqlite.insert(runs).on_conflict_do_nothing().returning(runs.c.id),
}


class SqlRunLog:
    """Runs, slot records and their statistics, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, tenant: TenantId, run_id: RunId) -> Run:
        """Return the run with its response body."""
        found = await self._all(
            runs_with_starts().where(runs.c.id == run_id, runs.c.tenant == tenant)
        )
        if not found:
            raise NotFound("run", run_id)
        bodies = await self._all(
            select(run_bodies).where(
                run_bodies.c.run_id == run_id, run_bodies.c.slot == found[0]["slot"]
            )
        )
        return run_from(found[0], bodies[0] if bodies else None)

    async def add_test(self, run: Run) -> None:
        """Keep a test run."""
        connection = await self._transaction.begin_writing()
        await self._check(run.tenant, run.endpoint_id)
        row = {**values_of_claimed(run), **values_of_ended(run)}
        with translated():
            kept = await connection.execute(_INSERT[connection.dialect.name], row)
            if kept.first() is not None and (body := values_of_body(run)) is not None:
                await connection.execute(insert(run_bodies).values(body))

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
        await self._check(tenant, endpoint_id)
        statement = runs_with_starts().where(
            *_which(endpoint_id, status=status, since=since, until=until)
        )
        if before is not None:
            last = select(*_BY_SLOT).where(runs.c.id == before, runs.c.endpoint_id == endpoint_id)
            statement = statement.where(tuple_(*_BY_SLOT) < last.scalar_subquery())
        if not tests:
            statement = statement.where(runs.c.kind != Kind.TEST.value)
        page = statement.order_by(*_NEWEST_FIRST).limit(limit).offset(offset)
        rows = await self._all(page)
        answered = await self._bodies(rows) if bodies else {}
        return [run_from(row, answered.get(row["id"])) for row in rows]

    async def _bodies(self, rows: Sequence[Columns]) -> Mapping[UUID, Columns]:
        """Return the answers of runs; their slots tell the partitions where they are."""
        if not rows:
            return {}
        slots = [row["slot"] for row in rows]
        found = await self._all(
            select(run_bodies).where(
                run_bodies.c.run_id.in_([row["id"] for row in rows]),
                run_bodies.c.slot.between(min(slots), max(slots)),
            )
        )
        return {row["run_id"]: row for row in found}

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
        await self._check(tenant, endpoint_id)
        which = _which(endpoint_id, status=status, since=since, until=until)
        counted = await self._all(
            select(func.count().label("runs")).select_from(runs).where(*which)
        )
        count: int = counted[0]["runs"]
        return count

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
        await self._check(tenant, endpoint_id)
        statement = select(slot_records).where(slot_records.c.endpoint_id == endpoint_id)
        if before is not None:
            statement = statement.where(slot_records.c.last < before)
        if since is not None:
            statement = statement.where(slot_records.c.last >= since)
        if until is not None:
            statement = statement.where(slot_records.c.first <= until)
        newest = statement.order_by(slot_records.c.last.desc(), slot_records.c.id).limit(limit)
        return [record_from(row) for row in await self._all(newest)]

    async def health(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, now: datetime
    ) -> Health:
        """Return the statistics of slots from ``since`` (to the minute) on."""
        failures = await self._check(tenant, endpoint_id)
        statement = (
            select(
                roll_ups.c.outcome_class,
                roll_ups.c.duration_step,
                *(func.sum(roll_ups.c[name]).label(name) for name in _SUMS),
            )
            .where(
                roll_ups.c.endpoint_id == endpoint_id,
                roll_ups.c.begins_at >= minute_of(since),
                roll_ups.c.begins_at <= now,
            )
            .group_by(roll_ups.c.outcome_class, roll_ups.c.duration_step)
        )
        return _health(await self._all(statement), failures, await self._newest(endpoint_id))

    async def prune(
        self, *, before: datetime | None, limit: int, now: datetime, most: int | None = None
    ) -> Pruned:
        """Delete history, up to ``limit`` of each kind."""
        await self._transaction.begin_writing()
        pruning = Pruning(self._transaction.connection, limit=limit)
        with translated():
            return await pruning.prune(before=before, now=now, most=most)

    async def _check(self, tenant: TenantId, endpoint_id: EndpointId) -> int:
        """Return the endpoint's failures. Raises ``NotFound`` when it is not the tenant's."""
        statement = select(endpoint_state.c.failures).where(
            endpoint_state.c.endpoint_id == endpoint_id, endpoint_state.c.tenant == tenant
        )
        found = await self._all(statement)
        if not found:
            raise NotFound("endpoint", endpoint_id)
        failures: int = found[0]["failures"]
        return failures

    async def _newest(self, endpoint_id: EndpointId) -> Run | None:
        statement = runs_with_starts().where(
            runs.c.endpoint_id == endpoint_id, runs.c.kind != Kind.TEST.value
        )
        rows = await self._all(statement.order_by(*_NEWEST_FIRST).limit(1))
        return run_from(rows[0]) if rows else None

    async def _all(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Columns]:
        with translated():
            rows: Sequence[Columns] = (
                (await self._transaction.connection.execute(statement)).mappings().all()
            )
        return rows


_BY_SLOT = (runs.c.slot, runs.c.attempt)
_NEWEST_FIRST = tuple(column.desc() for column in _BY_SLOT)
_SUMS = ("runs", "timed_runs", "duration", "lateness")


def runs_with_starts() -> Select[tuple[Any, ...]]:
    """Select runs; of one under way the lease tells when it started."""
    others = [column for column in runs.c if column.name != "started_at"]
    started_at = func.coalesce(runs.c.started_at, leases.c.started_at).label("started_at")
    joined = runs.outerjoin(leases, leases.c.run_id == runs.c.id)
    return select(*others, started_at).select_from(joined)


def _which(
    endpoint_id: EndpointId,
    *,
    status: RunStatus | None,
    since: datetime | None,
    until: datetime | None,
) -> Sequence[ColumnElement[bool]]:
    conditions = [runs.c.endpoint_id == endpoint_id]
    if status is not None:
        conditions.append(runs.c.status == status.value)
    if since is not None:
        conditions.append(runs.c.slot >= since)
    if until is not None:
        conditions.append(runs.c.slot <= until)
    return conditions


def _health(sums: Sequence[Columns], failures: int, last_run: Run | None) -> Health:
    counts: Counter[OutcomeClass] = Counter()
    steps: Counter[int] = Counter()
    for row in sums:
        counts[OutcomeClass(row["outcome_class"])] += int(row["runs"])
        steps[row["duration_step"]] += int(row["timed_runs"])
    return Health(
        success_count=counts[OutcomeClass.SUCCESS],
        target_failure_count=counts[OutcomeClass.TARGET],
        our_failure_count=counts[OutcomeClass.OURS],
        not_attempted_count=counts[OutcomeClass.NOT_ATTEMPTED],
        mean_duration=_mean(sums, "duration", steps.total()),
        median_duration=percentile(steps, 0.5),
        p95_duration=percentile(steps, 0.95),
        mean_lateness=_mean(sums, "lateness", steps.total()),
        failure_streak=failures,
        last_run=last_run,
    )


def _mean(sums: Sequence[Columns], name: str, count: int) -> timedelta | None:
    if not count:
        return None
    return timedelta(microseconds=sum(int(row[name]) for row in sums)) / count
