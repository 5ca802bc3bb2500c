"""The limits of a tenant, as every verb that adds meets them."""

from cronicorn_domain.errors import LimitReached

from cronicorn_management.desk import Changing


async def check_room(work: Changing, *, more: int = 1) -> None:
    """
    Refuse with ``LimitReached`` more endpoints than the tenant may have.

    Call it before anything is changed: whoever adds to the same tenant at this moment waits until
    this work is over, and counts what it added.
    """
    limit = work.allowance.endpoints
    if await work.catalog.count_to_limit(work.tenant) + more > limit:
        raise LimitReached("endpoints", limit=limit)
