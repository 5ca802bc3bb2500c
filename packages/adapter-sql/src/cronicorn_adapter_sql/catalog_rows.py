"""Reads and writes the rows of jobs and endpoints; what becomes of them is the catalog's matter."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cronicorn_domain.errors import (
    CronicornError,
    KeyTaken,
    NameTaken,
    NotFound,
    SecretsUnavailable,
    UnreadableRow,
)
from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job, JobState
from sqlalchemy import ColumnElement, Executable, Select, insert, select, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_endpoints import (
    endpoint_from,
    values_of_endpoint,
    values_of_standing,
)
from cronicorn_adapter_sql.mapping_jobs import Columns, Values, job_from, values_of_job
from cronicorn_adapter_sql.tables import endpoints, jobs
from cronicorn_adapter_sql.transaction import Transaction
from cronicorn_adapter_sql.vault import Vault


class CatalogRows:
    """The rows of one transaction. What is not there is ``NotFound``, or None if it was sought."""

    def __init__(self, transaction: Transaction, vault: Vault) -> None:
        self._transaction = transaction
        self._vault = vault

    async def job(self, tenant: TenantId, job_id: JobId, *, lock: bool = False) -> Job:
        """Return a job, and with ``lock`` keep others from changing it."""
        statement = select(jobs).where(jobs.c.id == job_id, jobs.c.tenant == tenant)
        if lock:
            await self._transaction.begin_writing()
            statement = statement.with_for_update()
        row = await self._one(statement)
        if row is None:
            raise NotFound("job", job_id)
        return job_from(row)

    async def find_job(self, tenant: TenantId, named: ColumnElement[bool]) -> Job | None:
        """Return the unarchived job of a name or key."""
        statement = select(jobs).where(jobs.c.tenant == tenant, named, jobs.c.archived_at.is_(None))
        row = await self._one(statement)
        return None if row is None else job_from(row)

    async def list_jobs(
        self, tenant: TenantId, *, limit: int, after: JobId | None, state: JobState | None
    ) -> list[Job]:
        """Return jobs in the order of their ids."""
        statement = select(jobs).where(jobs.c.tenant == tenant)
        if state is not None:
            statement = statement.where(jobs.c.state == state.value)
        if after is not None:
            statement = statement.where(jobs.c.id > after)
        rows = await self.all(statement.order_by(jobs.c.id).limit(limit))
        return [job_from(row) for row in rows]

    async def insert_job(self, job: Job) -> None:
        """Write a new job."""
        await self._write(insert(jobs).values(values_of_job(job)), _taken(job))

    async def update_job(self, job: Job) -> None:
        """Write a job anew."""
        statement = update(jobs).where(jobs.c.id == job.id).values(values_of_job(job))
        await self._write(statement, _taken(job))

    async def endpoint_row(self, tenant: TenantId, endpoint_id: EndpointId) -> Columns:
        """Return an endpoint's row, whether it can be read or not."""
        row = await self._one(
            select(endpoints).where(endpoints.c.id == endpoint_id, endpoints.c.tenant == tenant)
        )
        if row is None:
            raise NotFound("endpoint", endpoint_id)
        return row

    async def endpoint(self, tenant: TenantId, endpoint_id: EndpointId) -> Endpoint:
        """Return an endpoint."""
        return endpoint_from(await self.endpoint_row(tenant, endpoint_id), self._vault)

    async def find_endpoint(
        self, tenant: TenantId, job_id: JobId, named: ColumnElement[bool]
    ) -> Endpoint | None:
        """Return a job's unarchived endpoint of a name or key."""
        statement = select(endpoints).where(
            endpoints.c.job_id == job_id,
            named,
            endpoints.c.tenant == tenant,
            endpoints.c.archived_at.is_(None),
        )
        row = await self._one(statement)
        return None if row is None else endpoint_from(row, self._vault)

    async def list_endpoints(
        self,
        tenant: TenantId,
        job_id: JobId | None,
        *,
        limit: int,
        after: EndpointId | None,
        archived: bool,
    ) -> list[Endpoint]:
        """Return readable endpoints in the order of their ids."""
        found: list[Endpoint] = []
        while len(found) < limit:
            wanted = limit - len(found)
            which = _listed(tenant, job_id, after=after, archived=archived)
            page = select(endpoints).where(*which).order_by(endpoints.c.id).limit(wanted)
            rows = await self.all(page)
            found += [each for row in rows if (each := self._readable(row)) is not None]
            if len(rows) < wanted:
                break
            after = EndpointId(rows[-1]["id"])
        return found

    async def list_ids(
        self,
        tenant: TenantId,
        job_id: JobId | None,
        *,
        limit: int,
        after: EndpointId | None,
        archived: bool,
    ) -> list[EndpointId]:
        """Return the ids of endpoints in their order, whether they can be read or not."""
        which = _listed(tenant, job_id, after=after, archived=archived)
        page = select(endpoints.c.id).where(*which).order_by(endpoints.c.id).limit(limit)
        return [EndpointId(row["id"]) for row in await self.all(page)]

    async def update_endpoint(self, endpoint: Endpoint) -> None:
        """Write a configuration anew."""
        await self._update_endpoint(endpoint, values_of_endpoint(endpoint, self._vault))

    async def update_standing(self, endpoint: Endpoint) -> None:
        """Write pause and archive alone: they can be set without the key to its secrets."""
        await self._update_endpoint(endpoint, values_of_standing(endpoint))

    async def all(self, statement: Select[tuple[object, ...]]) -> Sequence[Columns]:
        """Return all rows that a statement finds."""
        with translated():
            return (await self._transaction.connection.execute(statement)).mappings().all()

    async def _one(self, statement: Select[tuple[object, ...]]) -> Columns | None:
        with translated():
            return (await self._transaction.connection.execute(statement)).mappings().one_or_none()

    async def _update_endpoint(self, endpoint: Endpoint, values: Values) -> None:
        statement = update(endpoints).where(endpoints.c.id == endpoint.id).values(values)
        taken = {
            "uq_endpoints_job_id_name": NameTaken("endpoint", endpoint.name),
            "uq_endpoints_job_id_external_key": KeyTaken("endpoint", endpoint.external_key or ""),
        }
        await self._write(statement, taken)

    async def _write(
        self, statement: Executable, taken: Mapping[str, CronicornError] = MappingProxyType({})
    ) -> None:
        """Write within a savepoint: a name that is taken does not spoil what the unit wrote."""
        connection = self._transaction.connection
        with translated(taken):
            async with connection.begin_nested():
                await connection.execute(statement)

    def _readable(self, row: Columns) -> Endpoint | None:
        try:
            return endpoint_from(row, self._vault)
        except (UnreadableRow, SecretsUnavailable):
            return None


def _listed(
    tenant: TenantId, job_id: JobId | None, *, after: EndpointId | None, archived: bool
) -> Sequence[ColumnElement[bool]]:
    conditions = [endpoints.c.tenant == tenant]
    if job_id is not None:
        conditions.append(endpoints.c.job_id == job_id)
    if not archived:
        conditions.append(endpoints.c.archived_at.is_(None))
    if after is not None:
        conditions.append(endpoints.c.id > after)
    return conditions


def _taken(job: Job) -> Mapping[str, CronicornError]:
    return {
        "uq_jobs_tenant_name": NameTaken("job", job.name),
        "uq_jobs_tenant_external_key": KeyTaken("job", job.external_key or ""),
    }
