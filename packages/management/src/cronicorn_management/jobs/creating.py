"""Create a job."""

from cronicorn_domain.identity import JobId, new_uuid
from cronicorn_domain.model.job import Job

from cronicorn_management.desk import Changing
from cronicorn_management.jobs.judging import check_job
from cronicorn_management.noting import Deed, note_change


async def create_job(
    work: Changing, *, name: str, description: str | None = None, key: str | None = None
) -> Job:
    """
    Create an active job; ``key`` is what another system calls it.

    Raises ``InvalidInput``, ``NameTaken``, ``KeyTaken``.
    """
    check_job(name, description, key)
    job = Job(
        id=JobId(new_uuid()),
        tenant=work.tenant,
        name=name,
        description=description,
        created_at=work.now,
        updated_at=work.now,
        external_key=key,
    )
    await work.catalog.add_job(job)
    await note_change(work, Deed.CREATE, None, job)
    return job
