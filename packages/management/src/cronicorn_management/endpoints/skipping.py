"""Skip an endpoint's next slot."""

from cronicorn_domain.identity import EndpointId

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note


async def skip_next_slot(work: Changing, endpoint_id: EndpointId) -> bool:
    """
    Pass the next recurring slot over, with a record; say whether there was one.

    Raises ``NotFound``.
    """
    endpoint = await endpoint_to_change(work, endpoint_id)
    before = await work.catalog.get_situation(work.tenant, endpoint_id)
    await work.catalog.skip_next_slot(work.tenant, endpoint_id, now=work.now)
    skipped = await work.catalog.get_situation(work.tenant, endpoint_id) != before
    if skipped:
        await note(work, Deed.SKIP, endpoint)
    return skipped
