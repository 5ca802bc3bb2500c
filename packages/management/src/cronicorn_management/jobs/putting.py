"""Create or update a job by the key that another system gave it."""

from dataclasses import dataclass

from cronicorn_domain.errors import KeyTaken, NameTaken
from cronicorn_domain.model.job import Job, check_external_key

from cronicorn_management.desk import Changing
from cronicorn_management.jobs.changing import JobChanges, change_job
from cronicorn_management.jobs.creating import create_job


@dataclass(frozen=True, slots=True, kw_only=True)
class PutJob:
    """The job as it stands now, and whether there was none before."""

    job: Job
    created: bool


async def put_job(work: Changing, key: str, *, name: str, description: str | None = None) -> PutJob:
    """
    Make the job of a key what is given, or create it; an archived one is left where it is.

    Raises ``InvalidInput``, ``NameTaken``.
    """
    check_external_key(key)
    existing = await work.catalog.find_job_by_key(work.tenant, key)
    if existing is None:
        try:
            job = await create_job(work, name=name, description=description, key=key)
            return PutJob(job=job, created=True)
        except (KeyTaken, NameTaken):
            # Somebody may have created it at this moment: then it is there to be updated.
            existing = await work.catalog.find_job_by_key(work.tenant, key)
            if existing is None:
                raise
    changes = JobChanges(name=name, description=description)
    return PutJob(job=await change_job(work, existing.id, changes), created=False)
