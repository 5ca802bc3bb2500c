"""Finds the endpoint that is to be changed, and keeps others from changing it meanwhile."""

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.endpoint import Endpoint

from cronicorn_management.desk import Changing


async def endpoint_to_change(
    work: Changing, endpoint_id: EndpointId, *, job_id: JobId | None = None
) -> Endpoint:
    """Return the endpoint, if a job is given one of the job's. Raises ``NotFound``."""
    endpoint = await work.catalog.get_endpoint(work.tenant, endpoint_id, to_change=True)
    check_job_of(endpoint, job_id)
    return endpoint


def check_job_of(endpoint: Endpoint, job_id: JobId | None) -> None:
    """Refuse with ``NotFound`` an endpoint that is looked for in another job."""
    if job_id is not None and endpoint.job_id != job_id:
        raise NotFound("endpoint", endpoint.id)
