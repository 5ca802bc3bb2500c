"""The tenant's runs from above, on SQL: sums of roll-ups, and lists of runs."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

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
from sqlalchemy import Select, func, select

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
    edge_values,
    how_many,
    newest,
)
from cronicorn_adapter_sql.shapes import Shape, shape_of, values_of
from cronicorn_adapter_sql.tables import jobs
from cronicorn_adapter_sql.totals import midnight_of
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
            for row in await self._of(tenant, which, by_hour(self._shape(which)))
        ]

    async def jobs(self, tenant: TenantId, which: Selection) -> Sequence[JobTally]:
        """Return the sums of each job."""
        return [
            JobTally(job_id=JobId(row["id"]), name=row["name"], tally=tally_from(row))
            for row in await self._of(tenant, which, by_job(self._shape(which)))
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
            for row in await self._of(tenant, which, busiest(self._shape(which)), limit=limit)
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
        by_days = all(edge == midnight_of(edge) for edge in edges[1:])
        statement = by_stretch(self._shape(which), edges=len(edges), by_days=by_days)
        more = {"endpoint_ids": [*endpoint_ids], **edge_values(edges, self._dialect)}
        return [
            EndpointStretch(
                endpoint_id=EndpointId(row["endpoint_id"]),
                begins_at=edges[row["edge"]],
                tally=tally_from(row),
            )
            for row in await self._of(tenant, which, statement, **more)
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
        statement = by_steps(self._shape(which), edges=len(edges))
        given = edge_values(edges, self._dialect)
        for row in await self._of(tenant, which, statement, **given):
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
        statement = newest(self._shape(which), before=before is not None)
        given = {"limit": limit, "offset": offset, "before": before}
        return [
            NamedRun(
                run=run_from(row), endpoint_name=row["endpoint_name"], job_name=row["job_name"]
            )
            for row in await self._of(tenant, which, statement, **given)
        ]

    async def count_runs(self, tenant: TenantId, which: Selection) -> int:
        """Return how many runs ``newest_runs`` has in all."""
        (row,) = await self._of(tenant, which, how_many(self._shape(which)))
        count: int = row["runs"]
        return count

    @property
    def _dialect(self) -> str:
        return self._transaction.connection.dialect.name

    def _shape(self, which: Selection) -> Shape:
        return shape_of(which, self._dialect)

    async def _of(
        self, tenant: TenantId, which: Selection, statement: Select[Any], **more: object
    ) -> Sequence[Columns]:
        return await self._all(statement, {**values_of(tenant, which), **more})

    async def _all(
        self, statement: Select[Any], values: Mapping[str, object] | None = None
    ) -> Sequence[Columns]:
        with translated():
            found = await self._transaction.connection.execute(statement, values)
            rows: Sequence[Columns] = found.mappings().all()
        return rows


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
