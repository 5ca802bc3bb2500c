"""Read a job."""

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job

from cronicorn_management.desk import Reading


async def read_job(work: Reading, job_id: JobId) -> Job:
    """Return a job, archived or not. Raises ``NotFound``."""
    return await work.catalog.get_job(work.tenant, job_id)
