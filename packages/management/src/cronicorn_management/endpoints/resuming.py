"""Resume an endpoint."""

from cronicorn_domain.identity import EndpointId

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note_change


async def resume_endpoint(work: Changing, endpoint_id: EndpointId) -> bool:
    """
    End an endpoint's pause, so that it can run at once; say whether there was one.

    Raises ``NotFound``, ``ForbiddenTransition``.
    """
    before = await endpoint_to_change(work, endpoint_id)
    await work.catalog.resume_endpoint(work.tenant, endpoint_id, now=work.now)
    after = await work.catalog.get_endpoint(work.tenant, endpoint_id)
    return await note_change(work, Deed.RESUME, before, after)
