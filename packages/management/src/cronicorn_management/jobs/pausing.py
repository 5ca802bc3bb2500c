"""Pause a job."""

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note_change


async def pause_job(work: Changing, job_id: JobId) -> Job:
    """
    Keep a job's endpoints from running until it is resumed.

    Raises ``NotFound``, ``ForbiddenTransition``.
    """
    before = await work.catalog.get_job(work.tenant, job_id, to_change=True)
    after = await work.catalog.pause_job(work.tenant, job_id, now=work.now)
    await note_change(work, Deed.PAUSE, before, after)
    return after
