"""Read an endpoint with everything that decides when it fires."""

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.state import Situation

from cronicorn_management.desk import Reading
from cronicorn_management.endpoints.finding import check_job_of


async def read_endpoint(
    work: Reading, endpoint_id: EndpointId, *, job_id: JobId | None = None
) -> Situation:
    """
    Return an endpoint, archived or not, with its state, hints and lease.

    Raises:
        NotFound: the tenant, or the job if one is given, has no such endpoint.
        UnreadableRow: what is stored no longer means anything.
    """
    situation = await work.catalog.get_situation(work.tenant, endpoint_id)
    check_job_of(situation.endpoint, job_id)
    return situation
