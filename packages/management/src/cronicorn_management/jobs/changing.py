"""Change a job's name and description."""

from datetime import datetime
from typing import TypedDict

from cronicorn_domain.errors import ChangedMeanwhile
from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job

from cronicorn_management.desk import Changing
from cronicorn_management.jobs.judging import check_job
from cronicorn_management.noting import Deed, note_change


class JobChanges(TypedDict, total=False):
    """Some members of a job: one that is absent stays, and None clears."""

    name: str
    description: str | None


async def change_job(
    work: Changing, job_id: JobId, changes: JobChanges, *, seen: datetime | None = None
) -> Job:
    """
    Change some members of a job.

    ``seen`` is the ``updated_at`` that the caller saw: if it is another by now nothing is changed.

    Raises ``InvalidInput``, ``NotFound``, ``NameTaken``, ``ChangedMeanwhile``.
    """
    before = await work.catalog.get_job(work.tenant, job_id, to_change=True)
    if seen is not None and seen != before.updated_at:
        raise ChangedMeanwhile("job", job_id)
    name = changes.get("name", before.name)
    description = changes.get("description", before.description)
    check_job(name, description)
    after = await work.catalog.describe_job(
        work.tenant, job_id, name=name, description=description, now=work.now
    )
    await note_change(work, Deed.CHANGE, before, after)
    return after
