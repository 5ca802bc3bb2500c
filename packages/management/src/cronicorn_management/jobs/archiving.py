"""Archive a job."""

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note_change


async def archive_job(work: Changing, job_id: JobId) -> Job:
    """Retire a job; its endpoints do not run, nor count against a limit. Raises ``NotFound``."""
    before = await work.catalog.get_job(work.tenant, job_id, to_change=True)
    after = await work.catalog.archive_job(work.tenant, job_id, now=work.now)
    await note_change(work, Deed.ARCHIVE, before, after)
    return after
