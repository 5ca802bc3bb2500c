"""Writes a part of a jobs file, by the verbs that everybody has."""

from collections.abc import Sequence

from cronicorn_domain.errors import NameTaken, UnreadableRow
from cronicorn_domain.identity import JobId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.changing import configure_endpoint
from cronicorn_management.endpoints.creating import create_many
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.endpoints.mending import mend_endpoint
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.jobs.changing import JobChanges, change_job
from cronicorn_management.jobs.creating import create_job
from cronicorn_management.jobs.pausing import pause_job
from cronicorn_management.jobs.resuming import resume_job

from cronicorn_worker.jobs_file.applied import Applied
from cronicorn_worker.jobs_file.desired import DesiredEndpoint, DesiredJob
from cronicorn_worker.jobs_file.survey import (
    EndpointStep,
    JobSteps,
    endpoint_id_in,
    pause_differs,
)


class Writing:
    """What one unit of work writes. It looks again: another worker may have been faster."""

    def __init__(self, work: Changing) -> None:
        self.applied = Applied()
        self._work = work

    async def write(self, steps: JobSteps) -> None:
        """Create or update a job and some of its endpoints."""
        desired = steps.desired
        existing = await self._work.catalog.find_job(self._work.tenant, desired.name)
        if existing is None:
            job_id = await self._create_job(desired)
        else:
            job_id = existing.id
            if await self._update_job(existing, desired):
                self.applied.changed.append(desired.name)
        await self._create_endpoints(job_id, [each for each in steps.endpoints if each.is_new])
        for step in steps.endpoints:
            if not step.is_new:
                await self._write_endpoint(job_id, step)

    async def _create_job(self, desired: DesiredJob) -> JobId:
        job = await create_job(self._work, name=desired.name, description=desired.description)
        if desired.paused:
            await pause_job(self._work, job.id)
        self.applied.created.append(desired.name)
        return job.id

    async def _update_job(self, existing: Job, desired: DesiredJob) -> bool:
        described = existing.description != desired.description
        if described:
            changes = JobChanges(description=desired.description)
            await change_job(self._work, existing.id, changes)
        moved = pause_differs(existing, desired)
        if moved:
            await (pause_job if desired.paused else resume_job)(self._work, existing.id)
        return described or moved

    async def _create_endpoints(self, job_id: JobId, steps: Sequence[EndpointStep]) -> None:
        """Create endpoints; what another worker has created meanwhile is brought up to date."""
        work = self._work
        new = [
            step.desired.new(tenant=work.tenant, job_id=job_id, now=work.now)
            for step in steps
            if step.desired is not None
        ]
        for step, refusal in zip(steps, await create_many(work, new), strict=True):
            match refusal:
                case None:
                    self.applied.created.append(step.name)
                case NameTaken():
                    await self._write_endpoint(job_id, step)
                case _:
                    raise refusal

    async def _write_endpoint(self, job_id: JobId, step: EndpointStep) -> None:
        if step.desired is not None:
            (await self._apply_endpoint(job_id, step.desired)).append(step.name)
        elif step.existing is not None:
            await archive_endpoint(self._work, step.existing)
            self.applied.archived.append(step.name)

    async def _apply_endpoint(self, job_id: JobId, desired: DesiredEndpoint) -> list[str]:
        """Write an endpoint, and return the list in which to tell it."""
        work = self._work
        try:
            existing = await work.catalog.find_endpoint(work.tenant, job_id, desired.name)
        except UnreadableRow as error:
            mended = await mend_endpoint(work, endpoint_id_in(error), job_id, desired.meant)
            await self._pause_or_resume(mended, desired)
            return self.applied.changed
        if existing is None:
            (refusal,) = await create_many(
                work, [desired.new(tenant=work.tenant, job_id=job_id, now=work.now)]
            )
            if refusal is not None:
                raise refusal
            return self.applied.created
        changed = await self._update_endpoint(existing, desired)
        return self.applied.changed if changed else self.applied.unchanged

    async def _update_endpoint(self, existing: Endpoint, desired: DesiredEndpoint) -> bool:
        before = await endpoint_to_change(self._work, existing.id)
        after = await configure_endpoint(self._work, before, desired.meant)
        return await self._pause_or_resume(after, desired) or after != before

    async def _pause_or_resume(self, endpoint: Endpoint, desired: DesiredEndpoint) -> bool:
        if pause := desired.pause_to_set(endpoint, self._work.now):
            return await pause_endpoint(
                self._work, endpoint.id, until=pause.until, reason=pause.reason
            )
        if desired.must_resume(endpoint, self._work.now):
            return await resume_endpoint(self._work, endpoint.id)
        return False
