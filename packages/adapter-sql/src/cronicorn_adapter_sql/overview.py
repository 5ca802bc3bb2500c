"""The tenant's runs from above, on SQL: sums of roll-ups, and lists of runs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cronicorn_domain.identity import EndpointId, JobId, RunId, TenantId
from cronicorn_domain.model.decision import Source
from cronicorn_domain.ports.overview import (
    EndpointHour,
    EndpointTally,
    HourTally,
    JobTally,
    NamedRun,
    Selection,
    Standing,
    Tally,
)
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_runs import run_from
from cronicorn_adapter_sql.roll_ups import minute_of
from cronicorn_adapter_sql.run_log import runs_with_starts
from cronicorn_adapter_sql.tables import endpoint_state, endpoints, jobs, roll_ups, runs
from cronicorn_adapter_sql.transaction import Transaction


class SqlOverview:
    """Sums and lists over all runs, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def standing(self, tenant: TenantId, *, now: datetime) -> Standing:
        """Count jobs and endpoints."""
        unarchived = jobs.c.archived_at.is_(None)
        counted = select(func.count().label("jobs")).where(jobs.c.tenant == tenant, unarchived)
        paused = or_(jobs.c.state == "paused", endpoints.c.paused_until > now)
        standing = (
            select(func.count().label("endpoints"), func.count().filter(paused).label("paused"))
            .select_from(endpoints.join(jobs, jobs.c.id == endpoints.c.job_id))
            .where(endpoints.c.tenant == tenant, endpoints.c.archived_at.is_(None), unarchived)
        )
        (of_jobs,), (of_endpoints,) = await self._all(counted), await self._all(standing)
        return Standing(**of_jobs, **of_endpoints)

    async def hours(self, tenant: TenantId, which: Selection) -> Sequence[HourTally]:
        """Return the sums of each hour and source."""
        hour = self._hour()
        statement = select(hour, roll_ups.c.source, *_SUMS).where(*_counted(tenant, which))
        rows = await self._all(statement.group_by("hour", "source").order_by("hour", "source"))
        return [
            HourTally(begins_at=row["hour"], source=Source(row["source"]), tally=_tally(row))
            for row in rows
        ]

    async def jobs(self, tenant: TenantId, which: Selection) -> Sequence[JobTally]:
        """Return the sums of each job."""
        by_endpoint = _by_endpoint(tenant, which).subquery("by_endpoint")
        sums = [func.sum(by_endpoint.c[name]).label(name) for name in _NAMES]
        statement = (
            select(jobs.c.id, jobs.c.name, *sums)
            .join(endpoints, endpoints.c.job_id == jobs.c.id)
            .join(by_endpoint, by_endpoint.c.endpoint_id == endpoints.c.id)
            .group_by(jobs.c.id, jobs.c.name)
            .order_by(func.sum(by_endpoint.c.runs).desc(), jobs.c.id)
        )
        return [
            JobTally(job_id=JobId(row["id"]), name=row["name"], tally=_tally(row))
            for row in await self._all(statement)
        ]

    async def busiest(
        self, tenant: TenantId, which: Selection, *, limit: int
    ) -> Sequence[EndpointTally]:
        """Return the sums of the endpoints with the most runs."""
        most = _by_endpoint(tenant, which).order_by(
            func.sum(roll_ups.c.runs).desc(), roll_ups.c.endpoint_id
        )
        busiest = most.limit(limit).subquery("busiest")
        statement = (
            select(
                busiest,
                endpoints.c.name,
                jobs.c.name.label("job_name"),
                endpoint_state.c.last_start,
            )
            .join(endpoints, endpoints.c.id == busiest.c.endpoint_id)
            .join(jobs, jobs.c.id == endpoints.c.job_id)
            .join(endpoint_state, endpoint_state.c.endpoint_id == busiest.c.endpoint_id)
            .order_by(busiest.c.runs.desc(), busiest.c.endpoint_id)
        )
        return [
            EndpointTally(
                endpoint_id=EndpointId(row["endpoint_id"]),
                name=row["name"],
                job_name=row["job_name"],
                tally=_tally(row),
                last_start=row["last_start"],
            )
            for row in await self._all(statement)
        ]

    async def endpoint_hours(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId], which: Selection
    ) -> Sequence[EndpointHour]:
        """Return the sums of these endpoints by hours."""
        statement = (
            select(self._hour(), roll_ups.c.endpoint_id, *_SUMS)
            .where(roll_ups.c.endpoint_id.in_(endpoint_ids), *_counted(tenant, which))
            .group_by("hour", roll_ups.c.endpoint_id)
            .order_by("hour", roll_ups.c.endpoint_id)
        )
        return [
            EndpointHour(
                endpoint_id=EndpointId(row["endpoint_id"]),
                begins_at=row["hour"],
                tally=_tally(row),
            )
            for row in await self._all(statement)
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

    def _hour(self) -> ColumnElement[datetime]:
        """Return the beginning of a roll-up's hour."""
        if self._transaction.connection.dialect.name == "sqlite":
            text = func.substr(roll_ups.c.begins_at, 1, 13, type_=String)
            return type_coerce(text + ":00:00.000000", UtcDateTime()).label("hour")
        truncated = func.date_trunc(literal("hour"), roll_ups.c.begins_at, literal("UTC"))
        return type_coerce(truncated, UtcDateTime()).label("hour")

    async def _all(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Columns]:
        with translated():
            rows: Sequence[Columns] = (
                (await self._transaction.connection.execute(statement)).mappings().all()
            )
        return rows


def _of(outcome_class: str) -> ColumnElement[int]:
    counted = func.sum(roll_ups.c.runs).filter(roll_ups.c.outcome_class == outcome_class)
    return func.coalesce(counted, 0)


_BY_SLOT: Final = (runs.c.slot, runs.c.attempt, runs.c.id)
_SUMS: Final = (
    func.sum(roll_ups.c.runs).label("runs"),
    _of("success").label("success"),
    _of("target").label("target"),
    _of("ours").label("ours"),
    func.sum(roll_ups.c.timed_runs).label("timed"),
    func.sum(roll_ups.c.duration).label("duration"),
)
_NAMES: Final = tuple(each.name for each in _SUMS)


def _tally(row: Columns) -> Tally:
    runs_in_all, success, target, ours, timed, duration = (int(row[name]) for name in _NAMES)
    return Tally(
        success=success,
        target_failure=target,
        our_failure=ours,
        not_attempted=runs_in_all - success - target - ours,
        timed=timed,
        duration=timedelta(microseconds=duration),
    )


def _by_endpoint(tenant: TenantId, which: Selection) -> Select[Any]:
    grouped = select(roll_ups.c.endpoint_id, *_SUMS).where(*_counted(tenant, which))
    return grouped.group_by(roll_ups.c.endpoint_id)


def _counted(tenant: TenantId, which: Selection) -> Sequence[ColumnElement[bool]]:
    conditions = [
        roll_ups.c.tenant == tenant,
        roll_ups.c.begins_at >= minute_of(which.since),
        roll_ups.c.begins_at <= which.until,
    ]
    if which.source is not None:
        conditions.append(roll_ups.c.source == which.source.value)
    if which.job_id is not None:
        conditions.append(roll_ups.c.endpoint_id.in_(_endpoints_of(tenant, which.job_id)))
    return conditions


def _kept(tenant: TenantId, which: Selection) -> Sequence[ColumnElement[bool]]:
    conditions = [
        runs.c.tenant == tenant,
        runs.c.slot >= which.since,
        runs.c.slot <= which.until,
    ]
    if which.source is not None:
        conditions.append(runs.c.source == which.source.value)
    if which.job_id is not None:
        conditions.append(runs.c.endpoint_id.in_(_endpoints_of(tenant, which.job_id)))
    return conditions


def _endpoints_of(tenant: TenantId, job_id: JobId) -> Select[Any]:
    return select(endpoints.c.id).where(endpoints.c.job_id == job_id, endpoints.c.tenant == tenant)
