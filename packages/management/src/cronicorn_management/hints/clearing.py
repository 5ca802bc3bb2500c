"""Clear hints."""

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, HintId
from cronicorn_domain.model.audit import FieldChange

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note


async def clear_hints(work: Changing, endpoint_id: EndpointId) -> int:
    """End all active hints of an endpoint, and return how many. Raises ``NotFound``."""
    return await _clear(work, endpoint_id, None)


async def clear_hint(work: Changing, endpoint_id: EndpointId, hint_id: HintId) -> None:
    """End one hint. Raises ``NotFound`` when it is not active."""
    if not await _clear(work, endpoint_id, hint_id):
        raise NotFound("hint", hint_id)


async def _clear(work: Changing, endpoint_id: EndpointId, hint_id: HintId | None) -> int:
    endpoint = await endpoint_to_change(work, endpoint_id)
    count = await work.hints.clear(work.tenant, endpoint_id, now=work.now, hint_id=hint_id)
    if count:
        change = FieldChange(field="active_hints_cleared", before=None, after=str(count))
        await note(work, Deed.CLEAR_HINTS, endpoint, [change])
    return count
