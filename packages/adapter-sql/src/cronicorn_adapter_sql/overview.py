"""The tenant's runs from above, on SQL: sums of roll-ups, and lists of runs."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cronicorn_domain.identity import EndpointId, JobId, RunId, TenantId
from cronicorn_domain.model.decision import Source
from cronicorn_domain.ports.overview import (
    EndpointStretch,
    EndpointTally,
    Holdings,
    HourTally,
    JobTally,
    NamedRun,
    Selection,
    Spread,
    Tally,
)
from sqlalchemy import ColumnElement, Select, func, select, tuple_

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.holding_counts import held
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_runs import run_from
from cronicorn_adapter_sql.overview_statements import (
    SUMS,
    busiest,
    by_hour,
    by_job,
    by_steps,
    by_stretch,
    endpoints_of,
)
from cronicorn_adapter_sql.run_log import runs_with_starts
from cronicorn_adapter_sql.tables import endpoints, jobs, runs
from cronicorn_adapter_sql.transaction import Transaction


class SqlOverview:
    """Sums and lists over all runs, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def holdings(self, tenant: TenantId, *, now: datetime) -> Holdings:
        """Count jobs and endpoints."""
        unarchived = jobs.c.archived_at.is_(None)
        counted = select(func.count().label("jobs")).where(jobs.c.tenant == tenant, unarchived)
        (of_jobs,), (of_endpoints,) = await self._all(counted), await self._all(held(tenant, now))
        return Holdings(**of_jobs, **of_endpoints)

    async def hours(self, tenant: TenantId, which: Selection) -> Sequence[HourTally]:
        """Return the sums of each hour and source."""
        return [
            HourTally(begins_at=row["hour"], source=Source(row["source"]), tally=tally_from(row))
            for row in await self._all(by_hour(tenant, which, dialect=self._dialect))
        ]

    async def jobs(self, tenant: TenantId, which: Selection) -> Sequence[JobTally]:
        """Return the sums of each job."""
        return [
            JobTally(job_id=JobId(row["id"]), name=row["name"], tally=tally_from(row))
            for row in await self._all(by_job(tenant, which))
        ]

    async def busiest(
        self, tenant: TenantId, which: Selection, *, limit: int
    ) -> Sequence[EndpointTally]:
        """Return the sums of the endpoints with the most runs."""
        return [
            EndpointTally(
                endpoint_id=EndpointId(row["endpoint_id"]),
                name=row["name"],
                job_name=row["job_name"],
                tally=tally_from(row),
                last_start=row["last_start"],
            )
            for row in await self._all(busiest(tenant, which, limit=limit))
        ]

    async def stretches(
        self,
        tenant: TenantId,
        endpoint_ids: Sequence[EndpointId],
        which: Selection,
        *,
        edges: Sequence[datetime],
    ) -> Sequence[EndpointStretch]:
        """Return the sums of these endpoints by stretches of time."""
        if not edges:
            return []
        asked = tenant, endpoint_ids, which, edges
        return [
            EndpointStretch(
                endpoint_id=EndpointId(row["endpoint_id"]),
                begins_at=edges[row["edge"]],
                tally=tally_from(row),
            )
            for row in await self._all(by_stretch(*asked, dialect=self._dialect))
            if row["edge"] >= 0
        ]

    async def spreads(
        self, tenant: TenantId, which: Selection, *, edges: Sequence[datetime]
    ) -> Sequence[Spread]:
        """Return how runs differ by stretches of time."""
        if not edges:
            return []
        durations: dict[int, Counter[int]] = defaultdict(Counter)
        lateness: dict[int, Counter[int]] = defaultdict(Counter)
        for row in await self._all(by_steps(tenant, which, edges, dialect=self._dialect)):
            durations[row["edge"]][row["duration_step"]] += int(row["runs"])
            lateness[row["edge"]][row["lateness_step"]] += int(row["runs"])
        return [
            Spread(
                begins_at=edge, durations=dict(durations[number]), lateness=dict(lateness[number])
            )
            for number, edge in enumerate(edges)
            if number in durations
        ]

    async def newest_runs(
        self,
        tenant: TenantId,
        which: Selection,
        *,
        limit: int,
        offset: int = 0,
        before: RunId | None = None,
    ) -> Sequence[NamedRun]:
        """Return the runs that are kept, the newest slot first."""
        page = select(runs.c.id, runs.c.slot).where(*_kept(tenant, which))
        if before is not None:
            last = select(*_BY_SLOT).where(runs.c.id == before, runs.c.tenant == tenant)
            page = page.where(tuple_(*_BY_SLOT) < last.scalar_subquery())
        newest = [column.desc() for column in _BY_SLOT]
        found = page.order_by(*newest).limit(limit).offset(offset).subquery("found")
        statement = (
            runs_with_starts()
            .add_columns(endpoints.c.name.label("endpoint_name"), jobs.c.name.label("job_name"))
            .join(found, (found.c.id == runs.c.id) & (found.c.slot == runs.c.slot))
            .join(endpoints, endpoints.c.id == runs.c.endpoint_id)
            .join(jobs, jobs.c.id == endpoints.c.job_id)
            .order_by(*newest)
        )
        return [
            NamedRun(
                run=run_from(row), endpoint_name=row["endpoint_name"], job_name=row["job_name"]
            )
            for row in await self._all(statement)
        ]

    async def count_runs(self, tenant: TenantId, which: Selection) -> int:
        """Return how many runs ``newest_runs`` has in all."""
        counted = select(func.count().label("runs")).select_from(runs)
        ((row),) = await self._all(counted.where(*_kept(tenant, which)))
        count: int = row["runs"]
        return count

    @property
    def _dialect(self) -> str:
        return self._transaction.connection.dialect.name

    async def _all(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Columns]:
        with translated():
            rows: Sequence[Columns] = (
                (await self._transaction.connection.execute(statement)).mappings().all()
            )
        return rows


_BY_SLOT: Final = (runs.c.slot, runs.c.attempt, runs.c.id)


def tally_from(row: Columns) -> Tally:
    """Return the sums of a row."""
    runs_in_all, success, target, ours, timed, duration = (int(row[name]) for name in SUMS)
    return Tally(
        success=success,
        target_failure=target,
        our_failure=ours,
        not_attempted=runs_in_all - success - target - ours,
        timed=timed,
        duration=timedelta(microseconds=duration),
    )


def _kept(tenant: TenantId, which: Selection) -> Sequence[ColumnElement[bool]]:
    conditions = [
        runs.c.tenant == tenant,
        runs.c.slot >= which.since,
        runs.c.slot <= which.until,
    ]
    if which.source is not None:
        conditions.append(runs.c.source == which.source.value)
    if which.job_id is not None:
        conditions.append(runs.c.endpoint_id.in_(endpoints_of(tenant, which.job_id)))
    return conditions
