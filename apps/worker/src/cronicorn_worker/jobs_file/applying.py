"""
Makes a store hold what a jobs file asks for: all of it or nothing, and nothing twice.

What already stands is not written, so that a file may be applied every few minutes, and by
several workers at once.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from cronicorn_domain.errors import ForbiddenTransition, NameTaken, UnreadableRow
from cronicorn_domain.identity import EndpointId, JobId, TenantId, new_uuid
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.job_catalog import JobCatalog
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_worker.jobs_file.desired import DesiredEndpoint, DesiredJob

_TRIES = 5
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAGE = 200
_NAMES_SHOWN = 20


@dataclass(slots=True)
class Applied:
    """What applying a file did, as names: ``shop`` for a job, ``shop / health`` for an endpoint."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    @property
    def wrote(self) -> bool:
        """Say whether the store was changed at all."""
        return bool(self.created or self.changed or self.archived)

    def fields(self) -> dict[str, object]:
        """Tell it in numbers, and what was written by name as far as that is readable."""
        written = [
            *(f"+ {name}" for name in self.created),
            *(f"~ {name}" for name in self.changed),
            *(f"- {name}" for name in self.archived),
        ]
        more = ["…"] if len(written) > _NAMES_SHOWN else []
        names = ", ".join([*written[:_NAMES_SHOWN], *more])
        return {
            "created": len(self.created),
            "changed": len(self.changed),
            "archived": len(self.archived),
            "unchanged": len(self.unchanged),
            **({"names": names} if names else {}),
        }


async def apply_jobs(
    jobs: Sequence[DesiredJob],
    *,
    units: UnitsOfWork,
    clock: Clock,
    tenant: TenantId,
    prune: bool = False,
) -> Applied:
    """
    Create or update jobs and endpoints by name, in one unit of work.

    With ``prune`` every other unarchived job, and every other endpoint of these jobs, is archived.

    Raises:
        StoreError: nothing was applied.
    """
    for _ in range(_TRIES - 1):
        try:
            return await _applied(jobs, units, clock.now(), tenant, prune=prune)
        except (NameTaken, ForbiddenTransition):
            # Another worker is applying a file at this moment; what it wrote is seen next time.
            continue
    return await _applied(jobs, units, clock.now(), tenant, prune=prune)


async def _applied(
    jobs: Sequence[DesiredJob], units: UnitsOfWork, now: datetime, tenant: TenantId, *, prune: bool
) -> Applied:
    async with units.begin() as unit:
        application = _Application(unit.catalog, tenant, floor_millisecond(now))
        for job in jobs:
            await application.apply_job(job, prune=prune)
        if prune:
            await application.archive_jobs_except({job.name for job in jobs})
        if application.applied.wrote:
            await unit.commit()
        return application.applied


class _Application:
    """One application, within one unit of work and at one instant."""

    def __init__(self, catalog: JobCatalog, tenant: TenantId, now: datetime) -> None:
        self.applied = Applied()
        self._catalog = catalog
        self._tenant = tenant
        self._now = now

    async def apply_job(self, desired: DesiredJob, *, prune: bool) -> None:
        """Create or update a job and its endpoints."""
        existing = await self._catalog.find_job(self._tenant, desired.name)
        if existing is None:
            job_id = await self._create_job(desired)
        else:
            job_id = existing.id
            changed = await self._update_job(existing, desired)
            self._note(changed=changed).append(desired.name)
        for endpoint in desired.endpoints:
            await self._apply_endpoint(job_id, desired.name, endpoint)
        if prune:
            await self._archive_endpoints_except(job_id, desired)

    async def archive_jobs_except(self, names: set[str]) -> None:
        """Archive every other job."""
        async for job in self._jobs():
            if job.state is not JobState.ARCHIVED and job.name not in names:
                await self._catalog.archive_job(self._tenant, job.id, now=self._now)
                self.applied.archived.append(job.name)

    async def _create_job(self, desired: DesiredJob) -> JobId:
        job = Job(
            id=JobId(new_uuid()),
            tenant=self._tenant,
            name=desired.name,
            description=desired.description,
            state=JobState.PAUSED if desired.paused else JobState.ACTIVE,
            created_at=self._now,
            updated_at=self._now,
        )
        await self._catalog.add_job(job)
        self.applied.created.append(desired.name)
        return job.id

    async def _update_job(self, existing: Job, desired: DesiredJob) -> bool:
        described = existing.description != desired.description
        if described:
            await self._catalog.describe_job(
                self._tenant,
                existing.id,
                name=existing.name,
                description=desired.description,
                now=self._now,
            )
        is_paused = existing.state is JobState.PAUSED
        moved = desired.paused is not None and desired.paused != is_paused
        if moved:
            move = self._catalog.pause_job if desired.paused else self._catalog.resume_job
            await move(self._tenant, existing.id, now=self._now)
        return described or moved

    async def _apply_endpoint(self, job_id: JobId, job: str, desired: DesiredEndpoint) -> None:
        name = f"{job} / {desired.name}"
        try:
            existing = await self._catalog.find_endpoint(self._tenant, job_id, desired.name)
        except UnreadableRow as error:
            await self._mend(_endpoint_id_in(error), job_id, desired)
            self.applied.changed.append(name)
            return
        if existing is None:
            new = desired.created(tenant=self._tenant, job_id=job_id, now=self._now)
            await self._catalog.add_endpoint(new, now=self._now)
            self.applied.created.append(name)
        else:
            changed = await self._update_endpoint(existing, desired)
            self._note(changed=changed).append(name)

    async def _mend(self, endpoint_id: EndpointId, job_id: JobId, desired: DesiredEndpoint) -> None:
        """Write an endpoint whose stored configuration cannot be read; that ends its quarantine."""
        new = desired.created(tenant=self._tenant, job_id=job_id, now=self._now)
        await self._catalog.change_endpoint(replace(new, id=endpoint_id), now=self._now)
        if new.pause is not None:
            await self._catalog.pause_endpoint(self._tenant, endpoint_id, new.pause, now=self._now)

    async def _update_endpoint(self, existing: Endpoint, desired: DesiredEndpoint) -> bool:
        wanted = desired.changed(existing)
        changed = wanted != existing and await self._catalog.change_endpoint(wanted, now=self._now)
        if pause := desired.pause_to_set(existing, self._now):
            await self._catalog.pause_endpoint(self._tenant, existing.id, pause, now=self._now)
        elif desired.must_resume(existing, self._now):
            await self._catalog.resume_endpoint(self._tenant, existing.id, now=self._now)
        else:
            return changed
        return True

    async def _archive_endpoints_except(self, job_id: JobId, desired: DesiredJob) -> None:
        names = {each.name for each in desired.endpoints}
        async for endpoint in self._endpoints(job_id):
            if endpoint.archived_at is None and endpoint.name not in names:
                await self._catalog.archive_endpoint(self._tenant, endpoint.id, now=self._now)
                self.applied.archived.append(f"{desired.name} / {endpoint.name}")

    def _note(self, *, changed: bool) -> list[str]:
        return self.applied.changed if changed else self.applied.unchanged

    async def _jobs(self) -> AsyncIterator[Job]:
        last: JobId | None = None
        while page := await self._catalog.list_jobs(self._tenant, limit=_PAGE, after=last):
            for job in page:
                yield job
            last = page[-1].id

    async def _endpoints(self, job_id: JobId) -> AsyncIterator[Endpoint]:
        last: EndpointId | None = None
        while page := await self._catalog.list_endpoints(
            self._tenant, job_id, limit=_PAGE, after=last
        ):
            for endpoint in page:
                yield endpoint
            last = page[-1].id


def _endpoint_id_in(error: UnreadableRow) -> EndpointId:
    """Return the id of the endpoint that cannot be read: it is named in the error's subject."""
    found = _UUID.search(error.subject)
    if found is None:
        raise error
    return EndpointId(UUID(found[0]))
