"""
Makes a store hold what a jobs file asks for, and writes nothing that already stands.

So a file may be applied every few minutes, and by several workers at once. What has to be written
is found out by reading, and refused as a whole if any of it cannot be; it is written some endpoints
at a time, each lot at its own instant, so that no worker is kept from its leases for long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from cronicorn_domain.errors import ForbiddenTransition, NameTaken, StoreUnavailable
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_management.jobs.archiving import archive_job

from cronicorn_worker.jobs_file.applied import Applied
from cronicorn_worker.jobs_file.desired import DesiredEndpoint, DesiredJob
from cronicorn_worker.jobs_file.survey import EndpointStep, JobSteps, Survey, Surveyor
from cronicorn_worker.jobs_file.writing import Writing

_TRIES = 5
_FIRST_PAUSE = timedelta(milliseconds=500)
NEW_AT_ONCE = 500
"""So many new endpoints are written in one unit of work: they cost little each."""
AT_ONCE = 50
"""So many endpoints that are there are written in one unit of work."""


async def apply_jobs(
    jobs: Sequence[DesiredJob], *, desk: Desk, caller: Caller, prune: bool = False
) -> Applied:
    """
    Create or update jobs and endpoints by name.

    With ``prune`` every other unarchived job, and every other endpoint of these jobs, is archived.
    An outage in the middle is ridden out for some seconds.

    Raises:
        InvalidInput, SecretsUnavailable: something in the file cannot be; nothing was applied.
        LimitReached: the tenant may not have so many endpoints; those that come before are there.
        StoreUnavailable: the store stayed away. Applying the file again does what is left.
    """
    applied = Applied()
    for attempt in range(1, _TRIES + 1):
        application = _Application(jobs, desk, caller)
        try:
            await application.apply(applied, prune=prune)
        except (NameTaken, ForbiddenTransition):
            # Another worker is applying a file at this moment; what it wrote is seen next time.
            if attempt == _TRIES:
                raise
        except StoreUnavailable:
            if attempt == _TRIES:
                raise
            await desk.clock.sleep_until(desk.clock.now() + _FIRST_PAUSE * (1 << (attempt - 1)))
        else:
            break
    return applied


class _Application:
    """One try."""

    def __init__(self, jobs: Sequence[DesiredJob], desk: Desk, caller: Caller) -> None:
        self._jobs = jobs
        self._desk = desk
        self._caller = caller

    async def apply(self, applied: Applied, *, prune: bool) -> None:
        """Write what is not there yet, and note in ``applied`` what was done."""
        async with self._desk.reading(self._caller) as work:
            surveyor = Surveyor(work.catalog, work.tenant, work.now)
            survey = await surveyor.survey(self._jobs, prune=prune)
        await self._try_secrets(survey)
        for job in survey.jobs:
            for part in _parts(job):
                await self._write(part, applied)
        for job_id, name in sorted(survey.surplus):
            async with self._desk.changing(self._caller) as work:
                await archive_job(work, job_id)
            applied.archived.append(name)
        written = {*applied.created, *applied.changed, *applied.unchanged}
        applied.unchanged += [name for name in survey.standing if name not in written]

    async def _try_secrets(self, survey: Survey) -> None:
        """Write one secret without keeping it: if there is no key, nothing is to be applied."""
        for job in survey.jobs:
            for step in job.endpoints:
                if step.desired is not None and _has_secrets(step.desired):
                    async with self._desk.rehearsing(self._caller) as work:
                        await Writing(work).write(replace(job, endpoints=(step,)))
                    return

    async def _write(self, part: JobSteps, applied: Applied) -> None:
        async with self._desk.changing(self._caller) as work:
            writing = Writing(work)
            await writing.write(part)
        applied.add(writing.applied)


def _parts(job: JobSteps) -> Iterator[JobSteps]:
    """Take a job's steps apart into what one unit of work writes; none if all stands."""
    new = [step for step in job.endpoints if step.is_new]
    there = [step for step in job.endpoints if not step.is_new]
    lots = [*_lots(new, NEW_AT_ONCE), *_lots(there, AT_ONCE)]
    for lot in lots or [()] * job.any:
        yield replace(job, endpoints=tuple(lot))


def _lots(steps: Sequence[EndpointStep], most: int) -> list[Sequence[EndpointStep]]:
    return [steps[begin : begin + most] for begin in range(0, len(steps), most)]


def _has_secrets(desired: DesiredEndpoint) -> bool:
    return any(header.secret for header in desired.meant.request.headers)
