"""
Makes a store hold what a jobs file asks for, and writes nothing that already stands.

So a file may be applied every few minutes, and by several workers at once. What has to be written
is found out by reading, and refused as a whole if any of it cannot be; it is written some endpoints
at a time, each lot at its own instant, so that no worker is kept from its leases for long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cronicorn_domain.errors import (
    ForbiddenTransition,
    NameTaken,
    StoreUnavailable,
    UnreadableRow,
)
from cronicorn_domain.identity import EndpointId, JobId, TenantId, new_uuid
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.job_catalog import JobCatalog
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_worker.jobs_file.applied import Applied
from cronicorn_worker.jobs_file.desired import DesiredEndpoint, DesiredJob
from cronicorn_worker.jobs_file.survey import (
    EndpointStep,
    JobSteps,
    Survey,
    Surveyor,
    endpoint_id_in,
    pause_differs,
)

_TRIES = 5
_FIRST_PAUSE = timedelta(milliseconds=500)
NEW_AT_ONCE = 500
"""So many new endpoints are written in one unit of work: they cost little each."""
AT_ONCE = 50
"""So many endpoints that are there are written in one unit of work."""


async def apply_jobs(
    jobs: Sequence[DesiredJob],
    *,
    units: UnitsOfWork,
    clock: Clock,
    tenant: TenantId,
    prune: bool = False,
) -> Applied:
    """
    Create or update jobs and endpoints by name.

    With ``prune`` every other unarchived job, and every other endpoint of these jobs, is archived.
    An outage in the middle is ridden out for some seconds.

    Raises:
        InvalidInput, SecretsUnavailable: something in the file cannot be; nothing was applied.
        StoreUnavailable: the store stayed away. Applying the file again does what is left.
    """
    applied = Applied()
    for attempt in range(1, _TRIES + 1):
        application = _Application(jobs, units, clock, tenant)
        try:
            await application.apply(applied, prune=prune)
        except (NameTaken, ForbiddenTransition):
            # Another worker is applying a file at this moment; what it wrote is seen next time.
            if attempt == _TRIES:
                raise
        except StoreUnavailable:
            if attempt == _TRIES:
                raise
            await clock.sleep_until(clock.now() + _FIRST_PAUSE * (1 << (attempt - 1)))
        else:
            break
    return applied


class _Application:
    """One try."""

    def __init__(
        self, jobs: Sequence[DesiredJob], units: UnitsOfWork, clock: Clock, tenant: TenantId
    ) -> None:
        self._jobs = jobs
        self._units = units
        self._clock = clock
        self._tenant = tenant

    async def apply(self, applied: Applied, *, prune: bool) -> None:
        """Write what is not there yet, and note in ``applied`` what was done."""
        async with self._units.begin() as unit:
            surveyor = Surveyor(unit.catalog, self._tenant, self._now())
            survey = await surveyor.survey(self._jobs, prune=prune)
        await self._try_secrets(survey)
        for job in survey.jobs:
            for part in _parts(job):
                await self._write(part, applied)
        for job_id, name in sorted(survey.surplus):
            async with self._units.begin() as unit:
                await unit.catalog.archive_job(self._tenant, job_id, now=self._now())
                await unit.commit()
            applied.archived.append(name)
        written = {*applied.created, *applied.changed, *applied.unchanged}
        applied.unchanged += [name for name in survey.standing if name not in written]

    async def _try_secrets(self, survey: Survey) -> None:
        """Write one secret without keeping it: if there is no key, nothing is to be applied."""
        for job in survey.jobs:
            for step in job.endpoints:
                if step.desired is not None and _has_secrets(step.desired):
                    async with self._units.begin() as unit:
                        writing = _Writing(unit.catalog, self._tenant, self._now())
                        await writing.write(replace(job, endpoints=(step,)))
                    return

    async def _write(self, part: JobSteps, applied: Applied) -> None:
        async with self._units.begin() as unit:
            writing = _Writing(unit.catalog, self._tenant, self._now())
            await writing.write(part)
            if writing.applied.wrote:
                await unit.commit()
        applied.add(writing.applied)

    def _now(self) -> datetime:
        """Return the instant; a file may take long, and nothing is to be planned in the past."""
        return floor_millisecond(self._clock.now())


def _parts(job: JobSteps) -> Iterator[JobSteps]:
    """Take a job's steps apart into what one unit of work writes; none if all stands."""
    new = [step for step in job.endpoints if _is_new(step)]
    there = [step for step in job.endpoints if not _is_new(step)]
    lots = [*_lots(new, NEW_AT_ONCE), *_lots(there, AT_ONCE)]
    for lot in lots or [()] * job.any:
        yield replace(job, endpoints=tuple(lot))


def _lots(steps: Sequence[EndpointStep], most: int) -> list[Sequence[EndpointStep]]:
    return [steps[begin : begin + most] for begin in range(0, len(steps), most)]


def _has_secrets(desired: DesiredEndpoint) -> bool:
    return any(header.secret for header in desired.request.headers)


def _is_new(step: EndpointStep) -> bool:
    return step.existing is None


class _Writing:
    """What one unit of work writes. It looks again: another worker may have been faster."""

    def __init__(self, catalog: JobCatalog, tenant: TenantId, now: datetime) -> None:
        self.applied = Applied()
        self._catalog = catalog
        self._tenant = tenant
        self._now = now

    async def write(self, steps: JobSteps) -> None:
        """Create or update a job and some of its endpoints."""
        desired = steps.desired
        existing = await self._catalog.find_job(self._tenant, desired.name)
        if existing is None:
            job_id = await self._create_job(desired)
        else:
            job_id = existing.id
            if await self._update_job(existing, desired):
                self.applied.changed.append(desired.name)
        await self._create_endpoints(job_id, [each for each in steps.endpoints if _is_new(each)])
        for step in steps.endpoints:
            if not _is_new(step):
                await self._write_endpoint(job_id, step)

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
        moved = pause_differs(existing, desired)
        if moved:
            move = self._catalog.pause_job if desired.paused else self._catalog.resume_job
            await move(self._tenant, existing.id, now=self._now)
        return described or moved

    async def _create_endpoints(self, job_id: JobId, steps: Sequence[EndpointStep]) -> None:
        """Create endpoints; what another worker has created meanwhile is brought up to date."""
        new = [
            step.desired.created(tenant=self._tenant, job_id=job_id, now=self._now)
            for step in steps
            if step.desired is not None
        ]
        refusals = await self._catalog.add_endpoints(new, now=self._now) if new else []
        for step, refusal in zip(steps, refusals, strict=True):
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
            await self._catalog.archive_endpoint(self._tenant, step.existing, now=self._now)
            self.applied.archived.append(step.name)

    async def _apply_endpoint(self, job_id: JobId, desired: DesiredEndpoint) -> list[str]:
        """Write an endpoint, and return the list in which to tell it."""
        try:
            existing = await self._catalog.find_endpoint(self._tenant, job_id, desired.name)
        except UnreadableRow as error:
            await self._mend(endpoint_id_in(error), job_id, desired)
            return self.applied.changed
        if existing is None:
            new = desired.created(tenant=self._tenant, job_id=job_id, now=self._now)
            await self._catalog.add_endpoint(new, now=self._now)
            return self.applied.created
        changed = await self._update_endpoint(existing, desired)
        return self.applied.changed if changed else self.applied.unchanged

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
