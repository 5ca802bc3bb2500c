"""Chooses endpoints: those that a filter means, for what is done to many."""

from collections.abc import Sequence

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.board import Wanted

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk


async def chosen(desk: Desk, caller: Caller, wanted: Wanted) -> Sequence[EndpointId]:
    """
    Return the endpoints that are meant, in the order of their ids.

    Raises ``NotFound`` when the tenant has no such job.
    """
    async with desk.reading(caller) as work:
        if wanted.job_id is not None:
            await work.catalog.get_job(work.tenant, wanted.job_id)
        return await work.board.find_ids(work.tenant, wanted, now=work.now)
