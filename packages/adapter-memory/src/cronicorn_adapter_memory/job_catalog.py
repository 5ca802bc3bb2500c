"""Jobs and endpoints in memory."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from cronicorn_domain.errors import ForbiddenTransition, KeyTaken, NameTaken, NotFound
from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies import endpoint_states, job_states
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.editing import edited, mended
from cronicorn_domain.policies.lifting import is_out_of_runs, lift
from cronicorn_domain.policies.replanning import (
    plan_afresh,
    plan_edited,
    plan_first,
    replan,
    reset_failures,
    skip_next_slot,
)
from cronicorn_domain.ports.job_catalog import EndpointRefusal

from cronicorn_adapter_memory.tables import EndpointRow, Tables
from cronicorn_adapter_memory.transaction import Transaction


class MemoryJobCatalog:
    """Jobs and endpoints, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add_job(self, job: Job) -> None:
        """Keep a new job."""
        tables = await self._transaction.write()
        _take_job_name(tables, job)
        tables.jobs[job.id] = job

    async def get_job(self, tenant: TenantId, job_id: JobId, *, to_change: bool = False) -> Job:
        """Return the job, archived or not."""
        tables = await self._transaction.write() if to_change else self._transaction.read()
        return tables.job(tenant, job_id)

    async def find_job(self, tenant: TenantId, name: str) -> Job | None:
        """Return the unarchived job of that name, or None."""
        tables = self._transaction.read()
        job_id = tables.job_names.get((tenant, name))
        return None if job_id is None else tables.jobs[job_id]

    async def find_job_by_key(self, tenant: TenantId, key: str) -> Job | None:
        """Return the unarchived job of that external key, or None."""
        tables = self._transaction.read()
        job_id = tables.job_keys.get((tenant, key))
        return None if job_id is None else tables.jobs[job_id]

    async def list_jobs(
        self,
        tenant: TenantId,
        *,
        limit: int = 100,
        after: JobId | None = None,
        state: JobState | None = None,
    ) -> Sequence[Job]:
        """Return jobs in the order of their ids, those behind ``after``."""
        jobs = self._transaction.read().jobs.values()
        behind = (
            job
            for job in jobs
            if job.tenant == tenant
            and (not after or job.id > after)
            and (state is None or job.state is state)
        )
        return heapq.nsmallest(limit, behind, key=lambda job: job.id)

    async def describe_job(
        self, tenant: TenantId, job_id: JobId, *, name: str, description: str | None, now: datetime
    ) -> Job:
        """Set name and description."""
        tables = await self._transaction.write()
        job = tables.job(tenant, job_id)
        if (job.name, job.description) == (name, description):
            return job
        described = replace(job, name=name, description=description, updated_at=now)
        if job.state is not JobState.ARCHIVED:
            _take_job_name(tables, described)
            if name != job.name:
                del tables.job_names[tenant, job.name]
        tables.jobs[job_id] = described
        return described

    async def pause_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Make an active job's endpoints unclaimable."""
        tables = await self._transaction.write()
        job = tables.job(tenant, job_id)
        return _move_job(tables, job, job_states.paused(job, now), replan, now)

    async def resume_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Undo a pause."""
        tables = await self._transaction.write()
        job = tables.job(tenant, job_id)
        return _move_job(tables, job, job_states.resumed(job, now), replan, now)

    async def archive_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Retire the job; its endpoints are not run."""
        tables = await self._transaction.write()
        job = tables.job(tenant, job_id)
        archived = job_states.archived(job, now)
        if archived != job:
            del tables.job_names[tenant, job.name]
            tables.job_keys.pop((tenant, job.external_key or ""), None)
        return _move_job(tables, job, archived, replan, now)

    async def restore_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Bring an archived job back as active, its endpoints planned from ``now``."""
        tables = await self._transaction.write()
        job = tables.job(tenant, job_id)
        restored = job_states.restored(job, now)
        _take_job_name(tables, restored)
        return _move_job(tables, job, restored, _plan_restored, now)

    async def add_endpoint(self, endpoint: Endpoint, *, now: datetime) -> None:
        """Keep a new endpoint and plan its first slot."""
        _add_endpoint(await self._transaction.write(), endpoint, now)

    async def add_endpoints(
        self, endpoints: Sequence[Endpoint], *, now: datetime
    ) -> Sequence[EndpointRefusal | None]:
        """Keep new endpoints and plan their first slots; each stands or falls alone."""
        tables = await self._transaction.write()
        return [_try_endpoint(tables, endpoint, now) for endpoint in endpoints]

    async def get_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, to_change: bool = False
    ) -> Endpoint:
        """Return the endpoint, archived or not."""
        tables = await self._transaction.write() if to_change else self._transaction.read()
        return tables.readable_row(tenant, endpoint_id).endpoint

    async def find_endpoint(self, tenant: TenantId, job_id: JobId, name: str) -> Endpoint | None:
        """Return the job's unarchived endpoint of that name, or None."""
        tables = self._transaction.read()
        endpoint_id = tables.endpoint_names.get((job_id, name))
        if endpoint_id is None or tables.endpoints[endpoint_id].endpoint.tenant != tenant:
            return None
        return tables.readable_row(tenant, endpoint_id).endpoint

    async def find_endpoint_by_key(
        self, tenant: TenantId, job_id: JobId, key: str
    ) -> Endpoint | None:
        """Return the job's unarchived endpoint of that external key, or None."""
        tables = self._transaction.read()
        endpoint_id = tables.endpoint_keys.get((job_id, key))
        if endpoint_id is None or tables.endpoints[endpoint_id].endpoint.tenant != tenant:
            return None
        return tables.readable_row(tenant, endpoint_id).endpoint

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
        rows = self._transaction.read().endpoints.values()
        behind = (
            row.endpoint
            for row in rows
            if row.endpoint.tenant == tenant
            and (job_id is None or row.endpoint.job_id == job_id)
            and (after is None or row.endpoint.id > after)
            and (archived or row.endpoint.archived_at is None)
            and row.unreadable is None
        )
        return heapq.nsmallest(limit, behind, key=lambda endpoint: endpoint.id)

    async def count_endpoints(
        self, tenant: TenantId, job_ids: Sequence[JobId]
    ) -> Mapping[JobId, int]:
        """Return how many unarchived endpoints each of the jobs has, none left out."""
        counts = _unarchived(self._transaction.read(), tenant)
        return {job_id: counts[job_id] for job_id in job_ids}

    async def count_to_limit(self, tenant: TenantId) -> int:
        """Return how many unarchived endpoints the tenant's unarchived jobs have, and hold it."""
        tables = await self._transaction.write()
        counts = _unarchived(tables, tenant)
        return sum(
            count
            for job_id, count in counts.items()
            if tables.jobs[job_id].state is not JobState.ARCHIVED
        )

    async def change_endpoint(self, endpoint: Endpoint, *, now: datetime) -> bool:
        """Replace an endpoint's configuration; say whether anything differed."""
        tables = await self._transaction.write()
        old = tables.row(endpoint.tenant, endpoint.id).endpoint
        endpoint_states.check_unarchived(old, "be changed")
        row = tables.endpoints.edit(endpoint.id)
        was_unreadable = row.unreadable is not None
        new = _in_its_place(old, endpoint, now) if was_unreadable else edited(old, endpoint, now)
        if new is old:
            return False
        if new.name != old.name:
            _take_endpoint_name(tables, new)
            del tables.endpoint_names[old.job_id, old.name]
        before = tables.situation(row)
        row.endpoint, row.unreadable = new, None
        row.state = replace(row.state, quarantine=None)
        situation = tables.situation(row)
        if was_unreadable:
            tables.keep(row, plan_afresh(situation, now, "edited"), now)
        else:
            tables.keep(row, plan_edited(before, situation, now), now)
        return True

    async def pause_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, pause: Pause, *, now: datetime
    ) -> None:
        """Pause until an instant or open-ended; replaces an earlier pause."""
        tables = await self._transaction.write()
        endpoint = tables.readable_row(tenant, endpoint_id).endpoint
        _move_endpoint(tables, endpoint, endpoint_states.paused(endpoint, pause, now), replan, now)

    async def resume_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """End the pause: claimable at once."""
        tables = await self._transaction.write()
        endpoint = tables.readable_row(tenant, endpoint_id).endpoint
        _move_endpoint(tables, endpoint, endpoint_states.resumed(endpoint, now), replan, now)

    async def archive_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Retire the endpoint."""
        tables = await self._transaction.write()
        endpoint = tables.readable_row(tenant, endpoint_id).endpoint
        archived = endpoint_states.archived(endpoint, now)
        if archived != endpoint:
            del tables.endpoint_names[endpoint.job_id, endpoint.name]
            tables.endpoint_keys.pop((endpoint.job_id, endpoint.external_key or ""), None)
        _move_endpoint(tables, endpoint, archived, replan, now)

    async def restore_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Bring it back and plan from ``now``."""
        tables = await self._transaction.write()
        endpoint = tables.readable_row(tenant, endpoint_id).endpoint
        restored = endpoint_states.restored(endpoint, now)
        _take_endpoint_name(tables, restored)
        _move_endpoint(tables, endpoint, restored, _plan_restored, now)

    async def reset_failures(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Set the consecutive failures to zero, and plan without their backoff."""
        await self._replan(tenant, endpoint_id, reset_failures, now)

    async def list_out_of_runs(
        self, *, limit: int, now: datetime
    ) -> Sequence[tuple[TenantId, EndpointId]]:
        """Return endpoints that wait since a quota of runs is used up."""
        rows = self._transaction.read().endpoints.items()
        found = (
            (row.endpoint.tenant, endpoint_id)
            for endpoint_id, row in rows
            if row.unreadable is None
            and is_out_of_runs(row.state.not_before, row.state.not_before_reason, now)
        )
        return list(islice(found, limit))

    async def lift(self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime) -> None:
        """End such a wait, and plan without it."""
        await self._replan(tenant, endpoint_id, lift, now)

    async def skip_next_slot(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Pass the next recurring slot over, with a record."""
        await self._replan(tenant, endpoint_id, skip_next_slot, now)

    async def get_situation(self, tenant: TenantId, endpoint_id: EndpointId) -> Situation:
        """Return everything that the governor weighs."""
        tables = self._transaction.read()
        return tables.situation(tables.readable_row(tenant, endpoint_id))

    async def get_situations(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[Situation]:
        """Return what the governor weighs about those that can be read, in the order given."""
        tables = self._transaction.read()
        rows = [tables.endpoints.get(endpoint_id) for endpoint_id in endpoint_ids]
        return [
            tables.situation(row)
            for row in rows
            if row is not None and row.endpoint.tenant == tenant and row.unreadable is None
        ]

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
        listed = await self.list_endpoints(
            tenant, job_id, limit=limit, after=after, archived=archived
        )
        return await self.get_situations(tenant, [each.id for each in listed])

    async def get_states(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[tuple[EndpointId, EndpointState]]:
        """Return the states of those endpoints that exist, in the order of the ids given."""
        rows = self._transaction.read().endpoints
        return [
            (endpoint_id, row.state)
            for endpoint_id in endpoint_ids
            if (row := rows.get(endpoint_id)) is not None and row.endpoint.tenant == tenant
        ]

    async def _replan(
        self, tenant: TenantId, endpoint_id: EndpointId, transition: "_Transition", now: datetime
    ) -> None:
        tables = await self._transaction.write()
        tables.readable_row(tenant, endpoint_id)
        row = tables.endpoints.edit(endpoint_id)
        tables.keep(row, transition(tables.situation(row), now), now)


_Transition = Callable[[Situation, datetime], Change]


def _plan_restored(situation: Situation, now: datetime) -> Change:
    return plan_afresh(situation, now, "restored")


def _move_job(tables: Tables, old: Job, new: Job, transition: _Transition, now: datetime) -> Job:
    """Write a job's new state and carry it to its endpoints; one that is unreadable stays out."""
    if new == old:
        return old
    tables.jobs[new.id] = new
    for endpoint_id in _members(tables, new.id):
        row = tables.endpoints.edit(endpoint_id)
        tables.keep(row, transition(tables.situation(row), now), now)
    return new


def _members(tables: Tables, job_id: JobId) -> Iterable[EndpointId]:
    return [
        endpoint_id
        for endpoint_id, row in tables.endpoints.items()
        if row.endpoint.job_id == job_id
        and row.endpoint.archived_at is None
        and row.unreadable is None
    ]


def _try_endpoint(tables: Tables, endpoint: Endpoint, now: datetime) -> EndpointRefusal | None:
    try:
        _add_endpoint(tables, endpoint, now)
    except (NotFound, ForbiddenTransition, NameTaken, KeyTaken) as refusal:
        return refusal
    return None


def _add_endpoint(tables: Tables, endpoint: Endpoint, now: datetime) -> None:
    job = tables.job(endpoint.tenant, endpoint.job_id)
    job_states.check_open(job, "take a new endpoint")
    _take_endpoint_name(tables, endpoint)
    row = EndpointRow(endpoint=endpoint, state=EndpointState())
    tables.endpoints[endpoint.id] = row
    tables.keep(row, plan_first(tables.situation(row), now), now)


def _move_endpoint(
    tables: Tables, old: Endpoint, new: Endpoint, transition: _Transition, now: datetime
) -> None:
    if new == old:
        return
    row = tables.endpoints.edit(new.id)
    row.endpoint = new
    tables.keep(row, transition(tables.situation(row), now), now)


def _unarchived(tables: Tables, tenant: TenantId) -> Counter[JobId]:
    return Counter(
        row.endpoint.job_id
        for row in tables.endpoints.values()
        if row.endpoint.tenant == tenant and row.endpoint.archived_at is None
    )


def _take_job_name(tables: Tables, job: Job) -> None:
    """Take the name and the key, or neither."""
    name, key = (job.tenant, job.name), (job.tenant, job.external_key or "")
    if tables.job_names.get(name, job.id) != job.id:
        raise NameTaken("job", job.name)
    if tables.job_keys.get(key, job.id) != job.id:
        raise KeyTaken("job", key[1])
    tables.job_names[name] = job.id
    if job.external_key is not None:
        tables.job_keys[key] = job.id


def _in_its_place(old: Endpoint, new: Endpoint, now: datetime) -> Endpoint:
    """Mend what stands for a row that cannot be read: in other stores nobody knows ``old``."""
    return mended(
        new,
        now,
        job_id=old.job_id,
        created_at=old.created_at,
        archived_at=old.archived_at,
        pause=old.pause,
        external_key=old.external_key,
    )


def _take_endpoint_name(tables: Tables, endpoint: Endpoint) -> None:
    """Take the name and the key, or neither."""
    name = (endpoint.job_id, endpoint.name)
    key = (endpoint.job_id, endpoint.external_key or "")
    if tables.endpoint_names.get(name, endpoint.id) != endpoint.id:
        raise NameTaken("endpoint", endpoint.name)
    if tables.endpoint_keys.get(key, endpoint.id) != endpoint.id:
        raise KeyTaken("endpoint", key[1])
    tables.endpoint_names[name] = endpoint.id
    if endpoint.external_key is not None:
        tables.endpoint_keys[key] = endpoint.id
