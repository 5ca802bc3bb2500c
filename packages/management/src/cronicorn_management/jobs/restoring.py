"""Restore an archived job."""

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job
from cronicorn_domain.policies.job_states import restored

from cronicorn_management.desk import Changing
from cronicorn_management.limits import check_room
from cronicorn_management.noting import Deed, note_change


async def restore_job(work: Changing, job_id: JobId) -> Job:
    """
    Bring an archived job back as active, with those of its endpoints that are not archived.

    Raises ``NotFound``, ``ForbiddenTransition``, ``NameTaken``, ``KeyTaken``, ``LimitReached``.
    """
    restored(await work.catalog.get_job(work.tenant, job_id), work.now)
    counts = await work.catalog.count_endpoints(work.tenant, [job_id])
    await check_room(work, more=counts[job_id])
    before = await work.catalog.get_job(work.tenant, job_id, to_change=True)
    after = await work.catalog.restore_job(work.tenant, job_id, now=work.now)
    await note_change(work, Deed.RESTORE, before, after)
    return after
