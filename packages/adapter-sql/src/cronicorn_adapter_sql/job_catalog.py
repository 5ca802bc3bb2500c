"""Jobs and endpoints on SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies import endpoint_states, job_states
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.editing import edited
from cronicorn_domain.policies.lifting import OUT_OF_RUNS, lift
from cronicorn_domain.policies.replanning import (
    plan_afresh,
    plan_edited,
    replan,
    reset_failures,
    skip_next_slot,
)
from cronicorn_domain.ports.job_catalog import EndpointRefusal
from sqlalchemy import select

from cronicorn_adapter_sql.catalog_rows import CatalogRows
from cronicorn_adapter_sql.counting import count_by_job, count_unarchived, hold_tenant
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_states import state_from
from cronicorn_adapter_sql.mending import in_its_place, well_again
from cronicorn_adapter_sql.new_endpoints import keep_new
from cronicorn_adapter_sql.situations import (
    ReadEndpoint,
    UnreadableEndpoint,
    of_tenant,
    opened,
    readable,
)
from cronicorn_adapter_sql.tables import endpoint_state, endpoints, jobs
from cronicorn_adapter_sql.transaction import Transaction
from cronicorn_adapter_sql.vault import Vault

_Transition = Callable[[Situation, datetime], Change]


class SqlJobCatalog:
    """Jobs and endpoints, within one transaction."""

    def __init__(self, transaction: Transaction, *, vault: Vault) -> None:
        self._transaction = transaction
        self._vault = vault
        self._rows = CatalogRows(transaction, vault)

    async def add_job(self, job: Job) -> None:
        """Keep a new job."""
        await self._transaction.begin_writing()
        await self._rows.insert_job(job)

    async def get_job(self, tenant: TenantId, job_id: JobId, *, to_change: bool = False) -> Job:
        """Return the job, archived or not."""
        return await self._rows.job(tenant, job_id, lock=to_change)

    async def find_job(self, tenant: TenantId, name: str) -> Job | None:
        """Return the unarchived job of that name, or None."""
        return await self._rows.find_job(tenant, jobs.c.name == name)

    async def find_job_by_key(self, tenant: TenantId, key: str) -> Job | None:
        """Return the unarchived job of that external key, or None."""
        return await self._rows.find_job(tenant, jobs.c.external_key == key)

    async def list_jobs(
        self,
        tenant: TenantId,
        *,
        limit: int = 100,
        after: JobId | None = None,
        state: JobState | None = None,
    ) -> Sequence[Job]:
        """Return jobs in the order of their ids, those behind ``after``."""
        return await self._rows.list_jobs(tenant, limit=limit, after=after, state=state)

    async def describe_job(
        self, tenant: TenantId, job_id: JobId, *, name: str, description: str | None, now: datetime
    ) -> Job:
        """Set name and description."""
        job = await self._rows.job(tenant, job_id, lock=True)
        if (job.name, job.description) == (name, description):
            return job
        described = replace(job, name=name, description=description, updated_at=now)
        await self._rows.update_job(described)
        return described

    async def pause_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Make an active job's endpoints unclaimable."""
        job = await self._rows.job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.paused(job, now), replan, now)

    async def resume_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Undo a pause."""
        job = await self._rows.job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.resumed(job, now), replan, now)

    async def archive_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Retire the job; its endpoints are not run."""
        job = await self._rows.job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.archived(job, now), replan, now)

    async def restore_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Bring an archived job back as active, its endpoints planned from ``now``."""
        job = await self._rows.job(tenant, job_id, lock=True)
        return await self._move_job(job, job_states.restored(job, now), _plan_restored, now)

    async def add_endpoint(self, endpoint: Endpoint, *, now: datetime) -> None:
        """Keep a new endpoint and plan its first slot; an archive of the job waits for it."""
        (refusal,) = await self.add_endpoints([endpoint], now=now)
        if refusal is not None:
            raise refusal

    async def add_endpoints(
        self, endpoints: Sequence[Endpoint], *, now: datetime
    ) -> Sequence[EndpointRefusal | None]:
        """Keep new endpoints and plan their first slots; each stands or falls alone."""
        return await keep_new(endpoints, self._transaction, self._vault, now=now)

    async def get_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, to_change: bool = False
    ) -> Endpoint:
        """Return the endpoint, archived or not."""
        if to_change:
            await self._transaction.begin_writing()
            with translated():
                await self._transaction.situations.lock([endpoint_id])
        return await self._rows.endpoint(tenant, endpoint_id)

    async def find_endpoint(self, tenant: TenantId, job_id: JobId, name: str) -> Endpoint | None:
        """Return the job's unarchived endpoint of that name, or None."""
        return await self._rows.find_endpoint(tenant, job_id, endpoints.c.name == name)

    async def find_endpoint_by_key(
        self, tenant: TenantId, job_id: JobId, key: str
    ) -> Endpoint | None:
        """Return the job's unarchived endpoint of that external key, or None."""
        return await self._rows.find_endpoint(tenant, job_id, endpoints.c.external_key == key)

    async def list_endpoints(
        self,
        tenant: TenantId,
        job_id: JobId | None = None,
        *,
        limit: int = 100,
        after: EndpointId | None = None,
        archived: bool = True,
    ) -> Sequence[Endpoint]:
        """Return readable endpoints in the order of their ids, those behind ``after``."""
        return await self._rows.list_endpoints(
            tenant, job_id, limit=limit, after=after, archived=archived
        )

    async def count_endpoints(
        self, tenant: TenantId, job_ids: Sequence[JobId]
    ) -> Mapping[JobId, int]:
        """Return how many unarchived endpoints each of the jobs has, none left out."""
        with translated():
            return await count_by_job(self._transaction.connection, tenant, job_ids)

    async def count_to_limit(self, tenant: TenantId) -> int:
        """Return how many unarchived endpoints the tenant's unarchived jobs have, and hold it."""
        connection = await self._transaction.begin_writing()
        with translated():
            await hold_tenant(connection, tenant)
            return await count_unarchived(connection, tenant)

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
        await self._rows.update_endpoint(new)
        well = replace(situation.state, quarantine=None)
        after = replace(situation, endpoint=new, state=well)
        await self._keep(read, plan_edited(situation, after, now), now, after=after)
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

    async def list_out_of_runs(
        self, *, limit: int, now: datetime
    ) -> Sequence[tuple[TenantId, EndpointId]]:
        """Return endpoints that wait since a quota of runs is used up."""
        statement = (
            select(endpoint_state.c.tenant, endpoint_state.c.endpoint_id)
            .where(
                endpoint_state.c.not_before > now,
                endpoint_state.c.not_before_reason.startswith(OUT_OF_RUNS, autoescape=True),
                endpoint_state.c.quarantine.is_(None),
            )
            .limit(limit)
        )
        with translated():
            rows = (await self._transaction.connection.execute(statement)).all()
        return [(TenantId(tenant), EndpointId(endpoint_id)) for tenant, endpoint_id in rows]

    async def lift(self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime) -> None:
        """End such a wait, and plan without it."""
        read = await self._readable_locked(tenant, endpoint_id, now)
        await self._keep(read, lift(read.situation, now), now)

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

    async def get_situations(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[Situation]:
        """Return what the governor weighs about those that can be read, in the order given."""
        with translated():
            found = await self._transaction.situations.read(endpoint_ids, now=None)
        read = {
            each.id: each.situation
            for each in found
            if isinstance(each, ReadEndpoint) and each.tenant == tenant and each.withheld is None
        }
        return [read[each] for each in endpoint_ids if each in read]

    async def list_situations(
        self,
        tenant: TenantId,
        job_id: JobId | None = None,
        *,
        limit: int = 100,
        after: EndpointId | None = None,
        archived: bool = True,
    ) -> Sequence[Situation]:
        """Return what the governor weighs about the endpoints that would be listed."""
        found: list[Situation] = []
        while len(found) < limit:
            wanted = limit - len(found)
            ids = await self._rows.list_ids(
                tenant, job_id, limit=wanted, after=after, archived=archived
            )
            found += await self.get_situations(tenant, ids)
            if len(ids) < wanted:
                break
            after = ids[-1]
        return found

    async def get_states(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[tuple[EndpointId, EndpointState]]:
        """Return the states of those endpoints that exist, in the order of the ids given."""
        statement = select(endpoint_state).where(
            endpoint_state.c.tenant == tenant, endpoint_state.c.endpoint_id.in_(endpoint_ids)
        )
        states = {row["endpoint_id"]: state_from(row) for row in await self._rows.all(statement)}
        return [(each, states[each]) for each in endpoint_ids if each in states]

    async def _move_job(self, old: Job, new: Job, transition: _Transition, now: datetime) -> Job:
        """
        Write a job's new state and carry it to its endpoints; one that is unreadable stays out.

        Archived ones are locked, too, so that none can be restored meanwhile and miss it.
        """
        if new == old:
            return old
        await self._rows.update_job(new)
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
        row = await self._rows.endpoint_row(endpoint.tenant, endpoint.id)
        new = in_its_place(endpoint, row, now)
        endpoint_states.check_unarchived(new, "be changed")
        await self._rows.update_endpoint(new)
        job = await self._rows.job(new.tenant, new.job_id)
        before, after = well_again(new, read, job.state, self._transaction.situations.floor)
        await self._keep(before, plan_afresh(after, now, "edited"), now, after=after)

    async def _move_endpoint(
        self, read: ReadEndpoint, endpoint: Endpoint, transition: _Transition, now: datetime
    ) -> None:
        if endpoint == read.situation.endpoint:
            return
        await self._rows.update_standing(endpoint)
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


def _plan_restored(situation: Situation, now: datetime) -> Change:
    return plan_afresh(situation, now, "restored")
