"""List endpoints."""

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.state import Situation

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


async def list_endpoints(
    work: Reading,
    *,
    job_id: JobId | None = None,
    archived: bool = False,
    limit: int = PAGE_USUAL,
    after: EndpointId | None = None,
) -> Page[Situation]:
    """
    Return a job's endpoints, or all the tenant's, the oldest first, those behind ``after``.

    Those that are archived are left out unless they are asked for; unreadable ones always.

    Raises ``NotFound`` when the tenant has no such job.
    """
    if job_id is not None:
        await work.catalog.get_job(work.tenant, job_id)
    found = await work.catalog.list_situations(
        work.tenant, job_id, limit=check_limit(limit), after=after, archived=archived
    )
    return page_of(found, limit)
