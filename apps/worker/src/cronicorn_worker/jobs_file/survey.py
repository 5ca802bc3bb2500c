"""Finds out, by reading alone, what of a jobs file the store does not hold yet."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cronicorn_domain.errors import UnreadableRow
from cronicorn_domain.identity import EndpointId, JobId, TenantId, new_uuid
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.ports.job_catalog import JobCatalog

from cronicorn_worker.jobs_file.desired import DesiredEndpoint, DesiredJob

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAGE = 200
_READ_RATHER = 20
"""A page of this many endpoints costs about as much as finding one by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStep:
    """
    One endpoint to be written.

    Attributes:
        name: As it is told: ``shop / health``.
        desired: As it should stand; None archives it.
        existing: Its id, if it is there.
    """

    name: str
    desired: DesiredEndpoint | None
    existing: EndpointId | None

    @property
    def is_new(self) -> bool:
        """Say whether it is to be created."""
        return self.existing is None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSteps:
    """
    What is to be written of one job: new endpoints, then those that are there by their ids.

    In that order whoever else writes them takes the locks, so that none waits in a circle.
    """

    desired: DesiredJob
    differs: bool
    endpoints: tuple[EndpointStep, ...]

    @property
    def any(self) -> bool:
        """Say whether there is anything to write."""
        return self.differs or bool(self.endpoints)


@dataclass(slots=True)
class Survey:
    """What is to be written, what stands already, and which jobs are to be archived, by name."""

    jobs: list[JobSteps] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    surplus: list[tuple[JobId, str]] = field(default_factory=list)


class Surveyor:
    """Compares a file with the store, within one unit of work and at one instant."""

    def __init__(self, catalog: JobCatalog, tenant: TenantId, now: datetime) -> None:
        self._catalog = catalog
        self._tenant = tenant
        self._now = now
        self._survey = Survey()

    async def survey(self, jobs: Sequence[DesiredJob], *, prune: bool) -> Survey:
        """
        Compare everything.

        Raises:
            InvalidInput: an endpoint cannot be as it should.
            StoreError: something that is there cannot be read.
        """
        for job in jobs:
            self._survey.jobs.append(await self._job(job, prune=prune))
        if prune:
            names = {job.name for job in jobs}
            self._survey.surplus = [
                (job.id, job.name)
                async for job in self._jobs()
                if job.state is not JobState.ARCHIVED and job.name not in names
            ]
        return self._survey

    async def _job(self, desired: DesiredJob, *, prune: bool) -> JobSteps:
        existing = await self._catalog.find_job(self._tenant, desired.name)
        differs = existing is None or job_differs(existing, desired)
        if not differs:
            self._survey.standing.append(desired.name)
        known = {} if existing is None else await self._known(existing.id, desired, prune=prune)
        steps = [
            step
            for each in desired.endpoints
            if (step := await self._endpoint(existing, desired.name, each, known)) is not None
        ]
        if prune:
            steps += _surplus(known, desired)
        ordered = sorted(steps, key=lambda step: step.existing or _BEFORE_ALL)
        return JobSteps(desired=desired, differs=differs, endpoints=tuple(ordered))

    async def _known(
        self, job_id: JobId, desired: DesiredJob, *, prune: bool
    ) -> Mapping[str, Endpoint]:
        """
        Return the job's unarchived endpoints by name, where reading all of them is worth it.

        It is when all are to be compared, or the most of them: one by one costs many times as much.
        """
        if not prune:
            count = (await self._catalog.count_endpoints(self._tenant, [job_id]))[job_id]
            if count > _READ_RATHER * len(desired.endpoints):
                return {}
        return {each.name: each async for each in self._endpoints(job_id)}

    async def _endpoint(
        self,
        job: Job | None,
        job_name: str,
        desired: DesiredEndpoint,
        known: Mapping[str, Endpoint],
    ) -> EndpointStep | None:
        name = f"{job_name} / {desired.name}"
        job_id = JobId(new_uuid()) if job is None else job.id
        try:
            existing = known.get(desired.name)
            if existing is None and job is not None:
                # New, or unreadable: those are in no list.
                existing = await self._catalog.find_endpoint(self._tenant, job_id, desired.name)
        except UnreadableRow as error:
            unreadable = endpoint_id_in(error)
            return EndpointStep(name=name, desired=desired, existing=unreadable)
        if existing is None:
            # Made once without being kept, since it may be refused.
            desired.new(tenant=self._tenant, job_id=job_id, now=self._now)
            return EndpointStep(name=name, desired=desired, existing=None)
        if not self._differs(existing, desired):
            self._survey.standing.append(name)
            return None
        return EndpointStep(name=name, desired=desired, existing=existing.id)

    def _differs(self, existing: Endpoint, desired: DesiredEndpoint) -> bool:
        return (
            desired.meant.set_on(existing) != existing
            or desired.pause_to_set(existing, self._now) is not None
            or desired.must_resume(existing, self._now)
        )

    async def _jobs(self) -> AsyncIterator[Job]:
        last: JobId | None = None
        while page := await self._catalog.list_jobs(self._tenant, limit=_PAGE, after=last):
            for job in page:
                yield job
            last = page[-1].id

    async def _endpoints(self, job_id: JobId) -> AsyncIterator[Endpoint]:
        last: EndpointId | None = None
        while page := await self._catalog.list_endpoints(
            self._tenant, job_id, limit=_PAGE, after=last, archived=False
        ):
            for endpoint in page:
                yield endpoint
            last = page[-1].id


def _surplus(known: Mapping[str, Endpoint], desired: DesiredJob) -> list[EndpointStep]:
    names = {each.name for each in desired.endpoints}
    return [
        EndpointStep(name=f"{desired.name} / {name}", desired=None, existing=each.id)
        for name, each in known.items()
        if name not in names
    ]


def job_differs(existing: Job, desired: DesiredJob) -> bool:
    """Say whether a job is not as it should be; its endpoints apart."""
    return existing.description != desired.description or pause_differs(existing, desired)


def pause_differs(existing: Job, desired: DesiredJob) -> bool:
    """Say whether a job is to be paused or resumed."""
    is_paused = existing.state is JobState.PAUSED
    return desired.paused is not None and desired.paused != is_paused


def endpoint_id_in(error: UnreadableRow) -> EndpointId:
    """Return the id of the endpoint that cannot be read: it is named in the error's subject."""
    found = _UUID.search(error.subject)
    if found is None:
        raise error
    return EndpointId(UUID(found[0]))


_BEFORE_ALL = UUID(int=0)
