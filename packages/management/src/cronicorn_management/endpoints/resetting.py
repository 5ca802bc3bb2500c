"""Reset an endpoint's failures."""

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.audit import FieldChange

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note


async def reset_failures(work: Changing, endpoint_id: EndpointId) -> bool:
    """
    Forget an endpoint's failures in a row, and plan without their backoff; say if there were any.

    Raises ``NotFound``.
    """
    endpoint = await endpoint_to_change(work, endpoint_id)
    failures = (await work.catalog.get_situation(work.tenant, endpoint_id)).state.failures
    if not failures:
        return False
    await work.catalog.reset_failures(work.tenant, endpoint_id, now=work.now)
    change = FieldChange(field="failures", before=str(failures), after="0")
    await note(work, Deed.RESET_FAILURES, endpoint, [change])
    return True
