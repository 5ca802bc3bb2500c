"""Pause an endpoint."""

from datetime import datetime

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.policies.proposing import pause_until

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note_change


async def pause_endpoint(
    work: Changing,
    endpoint_id: EndpointId,
    *,
    until: datetime = OPEN_ENDED,
    reason: str | None = None,
) -> bool:
    """
    Keep an endpoint from running until an instant, or until it is resumed; say if that is new.

    Raises ``InvalidInput``, ``NotFound``, ``ForbiddenTransition``.
    """
    pause = pause_until(until, reason, work.now)
    before = await endpoint_to_change(work, endpoint_id)
    await work.catalog.pause_endpoint(work.tenant, endpoint_id, pause, now=work.now)
    after = await work.catalog.get_endpoint(work.tenant, endpoint_id)
    return await note_change(work, Deed.PAUSE, before, after)
