"""Archive an endpoint: to those who delete it the same."""

from cronicorn_domain.identity import EndpointId, JobId

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note_change


async def archive_endpoint(
    work: Changing, endpoint_id: EndpointId, *, job_id: JobId | None = None
) -> bool:
    """
    Retire an endpoint; say whether that is new. Its history stays, and what it used; trap T19.

    Raises ``NotFound``, which it is too for another job than the one that is given.
    """
    before = await endpoint_to_change(work, endpoint_id, job_id=job_id)
    await work.catalog.archive_endpoint(work.tenant, endpoint_id, now=work.now)
    after = await work.catalog.get_endpoint(work.tenant, endpoint_id)
    return await note_change(work, Deed.ARCHIVE, before, after)
