"""Restore an archived endpoint."""

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.policies.endpoint_states import restored

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import check_job_of, endpoint_to_change
from cronicorn_management.limits import check_room
from cronicorn_management.noting import Deed, note_change


async def restore_endpoint(
    work: Changing, endpoint_id: EndpointId, *, job_id: JobId | None = None
) -> Endpoint:
    """
    Bring an archived endpoint back, planned from now on.

    Raises ``NotFound``, ``ForbiddenTransition``, ``NameTaken``, ``KeyTaken``, ``LimitReached``.
    """
    found = await work.catalog.get_endpoint(work.tenant, endpoint_id)
    check_job_of(found, job_id)
    restored(found, work.now)
    await check_room(work)
    before = await endpoint_to_change(work, endpoint_id)
    await work.catalog.restore_endpoint(work.tenant, endpoint_id, now=work.now)
    after = await work.catalog.get_endpoint(work.tenant, endpoint_id)
    await note_change(work, Deed.RESTORE, before, after)
    return after
