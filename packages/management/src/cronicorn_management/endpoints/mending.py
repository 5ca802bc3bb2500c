"""Mend an endpoint whose stored configuration cannot be read."""

from dataclasses import replace

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.endpoint import Endpoint

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.configuration import Configuration
from cronicorn_management.noting import Deed, note_change


async def mend_endpoint(
    work: Changing, endpoint_id: EndpointId, job_id: JobId, meant: Configuration
) -> Endpoint:
    """
    Give an endpoint of a job a configuration in the place of one that nobody can read.

    That ends its quarantine. What there was before cannot be told.

    Raises ``NotFound``, ``NameTaken``, ``ForbiddenTransition`` when it is archived.
    """
    new = meant.created(tenant=work.tenant, job_id=job_id, now=work.now)
    await work.catalog.change_endpoint(replace(new, id=endpoint_id), now=work.now)
    after = await work.catalog.get_endpoint(work.tenant, endpoint_id)
    await note_change(work, Deed.CHANGE, None, after)
    return after
