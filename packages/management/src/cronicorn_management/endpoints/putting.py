"""Create or update an endpoint by the key that another system gave it."""

from dataclasses import dataclass

from cronicorn_domain.errors import KeyTaken, NameTaken
from cronicorn_domain.identity import JobId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import check_external_key

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.changing import set_endpoint
from cronicorn_management.endpoints.creating import create_endpoint
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.settings import EndpointSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PutEndpoint:
    """The endpoint as it stands now, and whether there was none before."""

    endpoint: Endpoint
    created: bool


async def put_endpoint(
    work: Changing, job_id: JobId, key: str, settings: EndpointSettings
) -> PutEndpoint:
    """
    Make the endpoint of a key what is given, or create it; an archived one is left where it is.

    A pause stays as it stands. Raises as ``create_endpoint`` does.
    """
    check_external_key(key)
    existing = await work.catalog.find_endpoint_by_key(work.tenant, job_id, key)
    if existing is None:
        try:
            endpoint = await create_endpoint(work, job_id, settings, key=key)
            return PutEndpoint(endpoint=endpoint, created=True)
        except (KeyTaken, NameTaken):
            # Somebody may have created it at this moment: then it is there to be updated.
            existing = await work.catalog.find_endpoint_by_key(work.tenant, job_id, key)
            if existing is None:
                raise
    held = await endpoint_to_change(work, existing.id)
    return PutEndpoint(endpoint=await set_endpoint(work, held, settings), created=False)
