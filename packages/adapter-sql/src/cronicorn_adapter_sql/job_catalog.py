"""Jobs and endpoints on SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from cronicorn_domain.errors import (
    CronicornError,
    NameTaken,
    NotFound,
    SecretsUnavailable,
    UnreadableRow,
)
from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies import endpoint_states, job_states
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.editing import changes_rhythm, edited
from cronicorn_domain.policies.replanning import (
    plan_afresh,
    plan_first,
    replan,
    reset_failures,
    skip_next_slot,
)
from sqlalchemy import Executable, Select, insert, select, update

from cronicorn_adapter_sql.changes import values_of_new_state
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_endpoints import (
    endpoint_from,
    values_of_endpoint,
    values_of_standing,
)
from cronicorn_adapter_sql.mapping_jobs import Columns, job_from, values_of_job
from cronicorn_adapter_sql.mapping_states import state_from
from cronicorn_adapter_sql.situations import (
    ReadEndpoint,
    UnreadableEndpoint,
    of_tenant,
    opened,
    readable,
)
from cronicorn_adapter_sql.tables import endpoint_state, endpoints, jobs
from cronicorn_adapter_sql.transaction import Transaction
from cronicorn_adapter_sql.vault import HeaderVault

_Transition = Callable[[Situation, datetime], Change]


class SqlJobCatalog:
    """Jobs and endpoints, within one transaction."""

    def __init__(self, transaction: Transaction, *, vault: HeaderVault) -> None:
        self._transaction = transaction
        self._vault = vault

    async def add_job(self, job: Job) -> None:
        """Keep a new job."""
        await self._transaction.begin_writing()
        statement = insert(jobs).values(values_of_job(job))
        await self._write(statement, {"uq_jobs_tenant_name": NameTaken("job", job.name)})

    async def get_job(self, tenant: TenantId, job_id: JobId) -> Job:
        """Return the job, archived or not."""
        return await self._job(tenant, job_id)

    async def find_job(self, tenant: TenantId, name: str) -> Job | None:
        """Return the unarchived job of that name, or None."""
        statement = select(jobs).where(
            jobs.c.tenant == tenant, jobs.c.name == name, jobs.c.archived_at.is_(None)
        )
        row = await self._one(statement)
        return None if row is None else job_from(row)

    async def list_jobs(
        self, tenant: TenantId, *, limit: int = 100, after: JobId | None = None
    ) -> Sequence[Job]:
        """Return jobs in the order of their ids, those behind ``after``."""
        statement = select(jobs).where(jobs.c.tenant == tenant)
        if after is not None:
            statement = statement.where(jobs.c.id > after)
        return [
            job_from(row) for row in await self._all(statement.order_by(jobs.c.id).limit(limit))
        ]

    async def describe_job(
        self, tenant: TenantId, job_id: JobId, *, name: str, description: str | None, now: datetime
    ) -> Job:
        """Set name and description."""
        job = await self._job(tenant, job_id, lock=True)
        if (job.name, job.description) == (name, description):
            return job
        described = replace(job, name=name, description=description, updated_at=now)
        await self._write_job(described)
        return described

    async def pause_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Make an active job's endpoints unclaimable."""
        job = await self._job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.paused(job, now), replan, now)

    async def resume_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Undo a pause."""
        job = await self._job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.resumed(job, now), replan, now)

    async def archive_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Retire the job; its endpoints are not run."""
        job = await self._job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.archived(job, now), replan, now)

    async def restore_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Bring an archived job back as active, its endpoints planned from ``now``."""
        job = await self._job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.restored(job, now), _plan_restored, now)

    async def add_endpoint(self, endpoint: Endpoint, *, now: datetime) -> None:
        """Keep a new endpoint and plan its first slot; an archive of the job waits for it."""
        job = await self._job(endpoint.tenant, endpoint.job_id, lock=True)
        job_states.check_open(job, "take a new endpoint")
        values = values_of_endpoint(endpoint, self._vault)
        taken = {"uq_endpoints_job_id_name": NameTaken("endpoint", endpoint.name)}
        await self._write(insert(endpoints).values(values), taken)
        await self._write(insert(endpoint_state).values(values_of_new_state(endpoint)))
        situation = Situation(
            job_state=job.state,
            endpoint=endpoint,
            state=EndpointState(),
            floor=self._transaction.situations.floor,
        )
        read = ReadEndpoint(situation=situation, due_at=None, revision=0)
        await self._keep(read, plan_first(situation, now), now)

    async def get_endpoint(self, tenant: TenantId, endpoint_id: EndpointId) -> Endpoint:
        """Return the endpoint, archived or not."""
        row = await self._one(_endpoint_of(tenant, endpoint_id))
        if row is None:
            raise NotFound("endpoint", endpoint_id)
        return endpoint_from(row, self._vault)

    async def find_endpoint(self, tenant: TenantId, job_id: JobId, name: str) -> Endpoint | None:
        """Return the job's unarchived endpoint of that name, or None."""
        statement = select(endpoints).where(
            endpoints.c.job_id == job_id,
            endpoints.c.name == name,
            endpoints.c.tenant == tenant,
            endpoints.c.archived_at.is_(None),
        )
        row = await self._one(statement)
        return None if row is None else endpoint_from(row, self._vault)

    async def list_endpoints(
        self,
        tenant: TenantId,
        job_id: JobId | None = None,
        *,
        limit: int = 100,
        after: EndpointId | None = None,
    ) -> Sequence[Endpoint]:
        """Return readable endpoints in the order of their ids, those behind ``after``."""
        found: list[Endpoint] = []
        while len(found) < limit:
            statement = select(endpoints).where(endpoints.c.tenant == tenant)
            if job_id is not None:
                statement = statement.where(endpoints.c.job_id == job_id)
            if after is not None:
                statement = statement.where(endpoints.c.id > after)
            wanted = limit - len(found)
            rows = await self._all(statement.order_by(endpoints.c.id).limit(wanted))
            found += [each for row in rows if (each := self._readable(row)) is not None]
            if len(rows) < wanted:
                break
            after = EndpointId(rows[-1]["id"])
        return found

    async def change_endpoint(self, endpoint: Endpoint, *, now: datetime) -> bool:
        """Replace an endpoint's configuration; say whether anything differed."""
        read = await self._locked(endpoint.tenant, endpoint.id, now)
        if isinstance(read, UnreadableEndpoint):
            await self._mend(read, endpoint, now)
            return True
        situation = read.situation
        endpoint_states.check_unarchived(situation.endpoint, "be changed")
        new = edited(situation.endpoint, endpoint, now)
        if new is situation.endpoint:
            return False
        await self._write_endpoint(new)
        well = replace(situation.state, quarantine=None)
        after = replace(situation, endpoint=new, state=well)
        if changes_rhythm(situation.endpoint, new):
            change = plan_afresh(after, now, "edited", old=situation.endpoint)
        else:
            change = replan(after, now)
        await self._keep(read, change, now, after=after)
        return True

    async def pause_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, pause: Pause, *, now: datetime
    ) -> None:
        """Pause until an instant or open-ended; replaces an earlier pause."""
        read = await self._readable_locked(tenant, endpoint_id, now)
        endpoint = endpoint_states.paused(read.situation.endpoint, pause, now)
        await self._move_endpoint(read, endpoint, replan, now)

    async def resume_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """End the pause: claimable at once."""
        read = await self._readable_locked(tenant, endpoint_id, now)
        endpoint = endpoint_states.resumed(read.situation.endpoint, now)
        await self._move_endpoint(read, endpoint, replan, now)

    async def archive_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Retire the endpoint."""
        read = await self._readable_locked(tenant, endpoint_id, now)
        endpoint = endpoint_states.archived(read.situation.endpoint, now)
        await self._move_endpoint(read, endpoint, replan, now)

    async def restore_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Bring it back and plan from ``now``."""
        read = await self._readable_locked(tenant, endpoint_id, now)
        endpoint = endpoint_states.restored(read.situation.endpoint, now)
        await self._move_endpoint(read, endpoint, _plan_restored, now)

    async def reset_failures(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Set the consecutive failures to zero, and plan without their backoff."""
        read = await self._readable_locked(tenant, endpoint_id, now)
        await self._keep(read, reset_failures(read.situation, now), now)

    async def skip_next_slot(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Pass the next recurring slot over, with a record."""
        read = await self._readable_locked(tenant, endpoint_id, now)
        await self._keep(read, skip_next_slot(read.situation, now), now)

    async def get_situation(self, tenant: TenantId, endpoint_id: EndpointId) -> Situation:
        """Return everything that the governor weighs."""
        with translated():
            found = await self._transaction.situations.read([endpoint_id], now=None)
        return opened(of_tenant(found, tenant, endpoint_id)).situation

    async def get_states(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[tuple[EndpointId, EndpointState]]:
        """Return the states of those endpoints that exist, in the order of the ids given."""
        statement = select(endpoint_state).where(
            endpoint_state.c.tenant == tenant, endpoint_state.c.endpoint_id.in_(endpoint_ids)
        )
        states = {row["endpoint_id"]: state_from(row) for row in await self._all(statement)}
        return [(each, states[each]) for each in endpoint_ids if each in states]

    async def _job(self, tenant: TenantId, job_id: JobId, *, lock: bool = False) -> Job:
        statement = select(jobs).where(jobs.c.id == job_id, jobs.c.tenant == tenant)
        if lock:
            await self._transaction.begin_writing()
            statement = statement.with_for_update()
        row = await self._one(statement)
        if row is None:
            raise NotFound("job", job_id)
        return job_from(row)

    async def _write_job(self, job: Job) -> None:
        statement = update(jobs).where(jobs.c.id == job.id).values(values_of_job(job))
        await self._write(statement, {"uq_jobs_tenant_name": NameTaken("job", job.name)})

    async def _move_job(self, old: Job, new: Job, transition: _Transition, now: datetime) -> Job:
        """
        Write a job's new state and carry it to its endpoints; one that is unreadable stays out.

        Archived ones are locked, too, so that none can be restored meanwhile and miss it.
        """
        if new == old:
            return old
        await self._write_job(new)
        members = select(endpoints.c.id).where(endpoints.c.job_id == new.id)
        with translated():
            ids: list[UUID] = list((await self._transaction.connection.execute(members)).scalars())
            for read in await self._transaction.locked(ids, now=now):
                if isinstance(read, ReadEndpoint) and not read.situation.endpoint.archived_at:
                    change = transition(read.situation, now)
                    self._transaction.changes.apply(read, change, now, after=read.situation)
            await self._transaction.write()
        return new

    async def _mend(self, read: UnreadableEndpoint, endpoint: Endpoint, now: datetime) -> None:
        """
        Replace a configuration that cannot be read: of the old one only the row itself counts.
        """
        row = await self._one(_endpoint_of(endpoint.tenant, endpoint.id))
        if row is None:
            raise NotFound("endpoint", endpoint.id)
        new = replace(
            endpoint,
            job_id=JobId(row["job_id"]),
            created_at=row["created_at"],
            updated_at=now,
            anchor=endpoint.bounds.starts_at or now,
            archived_at=row["archived_at"],
            pause=_pause_of(row),
        )
        endpoint_states.check_unarchived(new, "be changed")
        await self._write_endpoint(new)
        job = await self._job(new.tenant, new.job_id)
        situation = Situation(
            job_state=job.state,
            endpoint=new,
            state=replace(read.state, quarantine=None),
            lease=read.lease,
            floor=self._transaction.situations.floor,
        )
        before = ReadEndpoint(
            situation=replace(situation, state=read.state),
            due_at=read.due_at,
            revision=read.revision,
        )
        change = plan_afresh(situation, now, "edited")
        await self._keep(before, change, now, after=situation)

    async def _write_endpoint(self, endpoint: Endpoint) -> None:
        values = values_of_endpoint(endpoint, self._vault)
        statement = update(endpoints).where(endpoints.c.id == endpoint.id).values(values)
        taken = {"uq_endpoints_job_id_name": NameTaken("endpoint", endpoint.name)}
        await self._write(statement, taken)

    async def _write_standing(self, endpoint: Endpoint) -> None:
        """Write pause and archive alone: they can be set without the key to its secrets."""
        values = values_of_standing(endpoint)
        statement = update(endpoints).where(endpoints.c.id == endpoint.id).values(values)
        taken = {"uq_endpoints_job_id_name": NameTaken("endpoint", endpoint.name)}
        await self._write(statement, taken)

    async def _move_endpoint(
        self, read: ReadEndpoint, endpoint: Endpoint, transition: _Transition, now: datetime
    ) -> None:
        if endpoint == read.situation.endpoint:
            return
        await self._write_standing(endpoint)
        after = replace(read.situation, endpoint=endpoint)
        await self._keep(read, transition(after, now), now, after=after)

    async def _locked(
        self, tenant: TenantId, endpoint_id: EndpointId, now: datetime
    ) -> ReadEndpoint | UnreadableEndpoint:
        with translated():
            found = await self._transaction.locked([endpoint_id], now=now)
        return of_tenant(found, tenant, endpoint_id)

    async def _readable_locked(
        self, tenant: TenantId, endpoint_id: EndpointId, now: datetime
    ) -> ReadEndpoint:
        return readable(await self._locked(tenant, endpoint_id, now))

    async def _keep(
        self, read: ReadEndpoint, change: Change, now: datetime, *, after: Situation | None = None
    ) -> None:
        self._transaction.changes.apply(read, change, now, after=after)
        with translated():
            await self._transaction.write()

    def _readable(self, row: Columns) -> Endpoint | None:
        try:
            return endpoint_from(row, self._vault)
        except (UnreadableRow, SecretsUnavailable):
            return None

    async def _write(
        self, statement: Executable, taken: Mapping[str, CronicornError] = MappingProxyType({})
    ) -> None:
        """Write within a savepoint: a name that is taken does not spoil what the unit wrote."""
        connection = self._transaction.connection
        with translated(taken):
            async with connection.begin_nested():
                await connection.execute(statement)

    async def _one(self, statement: Select[tuple[object, ...]]) -> Columns | None:
        with translated():
            return (await self._transaction.connection.execute(statement)).mappings().one_or_none()

    async def _all(self, statement: Select[tuple[object, ...]]) -> Sequence[Columns]:
        with translated():
            return (await self._transaction.connection.execute(statement)).mappings().all()


def _plan_restored(situation: Situation, now: datetime) -> Change:
    return plan_afresh(situation, now, "restored")


def _endpoint_of(tenant: TenantId, endpoint_id: EndpointId) -> Select[tuple[object, ...]]:
    return select(endpoints).where(endpoints.c.id == endpoint_id, endpoints.c.tenant == tenant)


def _pause_of(row: Columns) -> Pause | None:
    until = row["paused_until"]
    return None if until is None else Pause(until=until, reason=row["pause_reason"])
