"""The limits of a tenant, as every verb that adds meets them."""

from datetime import timedelta

from cronicorn_domain.errors import InvalidInput, LimitReached
from cronicorn_domain.wording import length_in_words

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


def check_floor(length: timedelta | None, floor: timedelta, *, field: str) -> None:
    """Refuse with ``InvalidInput`` an interval shorter than the tenant's floor; trap T17."""
    if length is not None and length < floor:
        raise InvalidInput(
            f"{length_in_words(length)} is too often",
            field=field,
            remedy=f"give at least {length_in_words(floor)}",
        )
