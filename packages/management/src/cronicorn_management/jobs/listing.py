"""List jobs."""

from dataclasses import dataclass

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job, JobState

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedJob:
    """A job, and how many unarchived endpoints it has."""

    job: Job
    endpoint_count: int


async def list_jobs(
    work: Reading,
    *,
    state: JobState | None = None,
    limit: int = PAGE_USUAL,
    after: JobId | None = None,
) -> Page[ListedJob]:
    """Return jobs of any state or of one, the oldest first, those behind ``after``."""
    found = page_of(
        await work.catalog.list_jobs(
            work.tenant, limit=check_limit(limit), after=after, state=state
        ),
        limit,
    )
    counts = await work.catalog.count_endpoints(work.tenant, [job.id for job in found.items])
    items = [ListedJob(job=job, endpoint_count=counts[job.id]) for job in found.items]
    return Page(items, more=found.more)
