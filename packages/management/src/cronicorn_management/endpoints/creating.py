"""Create an endpoint, or many."""

from collections.abc import Sequence

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.ports.job_catalog import EndpointRefusal

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.judging import judge_of
from cronicorn_management.limits import check_room
from cronicorn_management.noting import note_created
from cronicorn_management.settings import EndpointSettings


async def create_endpoint(
    work: Changing, job_id: JobId, settings: EndpointSettings, *, key: str | None = None
) -> Endpoint:
    """
    Create an endpoint in a job and plan its first slot; ``key`` is what another system calls it.

    Raises:
        InvalidInput: it cannot be as it is given; ``issues`` are all its faults.
        NotFound: the tenant has no such job.
        ForbiddenTransition: the job is archived; trap T18.
        NameTaken, KeyTaken: an unarchived endpoint of the job has the name or key.
        LimitReached: the tenant has as many endpoints as it may have.
    """
    meant = judge_of(work).configuration(settings)
    endpoint = meant.created(tenant=work.tenant, job_id=job_id, now=work.now, key=key)
    await work.catalog.get_job(work.tenant, job_id)
    await check_room(work)
    await work.catalog.add_endpoint(endpoint, now=work.now)
    await note_created(work, [endpoint])
    return endpoint


async def create_many(
    work: Changing, endpoints: Sequence[Endpoint]
) -> Sequence[EndpointRefusal | None]:
    """
    Create many endpoints, made of configurations, at little more than the cost of one.

    Returns in the order given None for each that was created, else why it was not, whatever became
    of the others. Raises ``LimitReached`` when there is not room for all of them: none is created.
    """
    if not endpoints:
        return []
    await check_room(work, more=len(endpoints))
    refusals = await work.catalog.add_endpoints(endpoints, now=work.now)
    created = [each for each, no in zip(endpoints, refusals, strict=True) if no is None]
    await note_created(work, created)
    return refusals
