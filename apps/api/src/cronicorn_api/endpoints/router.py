"""Routes of endpoints: their configuration."""

from typing import Annotated, Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_management.desk import Reading
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.changing import change_endpoint
from cronicorn_management.endpoints.creating import create_endpoint
from cronicorn_management.endpoints.listing import list_endpoints
from cronicorn_management.endpoints.putting import put_endpoint
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.endpoints.restoring import restore_endpoint
from cronicorn_management.pages import PAGE_MOST
from fastapi import APIRouter, Path, Query, Response

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.endpoints.presenters import endpoint_body, endpoint_list
from cronicorn_api.endpoints.schemas import EndpointBody, EndpointList, EndpointPatch, NewEndpoint
from cronicorn_api.endpoints.settings import WIRE_NAMES, changes_from, settings_from
from cronicorn_api.wire.identities import PathEndpoint, PathJob, PathJobOrAny, cursor_of
from cronicorn_api.wire.refusing import members_named

router: Final = APIRouter(prefix="/jobs/{jobId}/endpoints", tags=["endpoints"])


@router.post("", status_code=201, operation_id="createEndpoint")
async def create(
    desk: TheDesk, caller: TheCaller, job_id: PathJob, given: NewEndpoint
) -> EndpointBody:
    """Create an endpoint, and plan its first slot."""
    with members_named(WIRE_NAMES):
        async with desk.changing(caller) as work:
            return await _shown(work, await create_endpoint(work, job_id, settings_from(given)))


@router.put(
    "/by-key/{externalKey}", operation_id="putEndpoint", responses={201: {"model": EndpointBody}}
)
async def put(
    *,
    desk: TheDesk,
    caller: TheCaller,
    job_id: PathJob,
    key: Annotated[str, Path(alias="externalKey")],
    given: NewEndpoint,
    response: Response,
) -> EndpointBody:
    """Create the endpoint of a key, or make it what is given."""
    with members_named(WIRE_NAMES):
        async with desk.changing(caller) as work:
            done = await put_endpoint(work, job_id, key, settings_from(given))
            shown = await _shown(work, done.endpoint)
    response.status_code = 201 if done.created else 200
    return shown


@router.get("", operation_id="listEndpoints")
async def list_all(
    desk: TheDesk,
    caller: TheCaller,
    job_id: PathJob,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_MOST,
    cursor: str | None = None,
) -> EndpointList:
    """List a job's endpoints that are not archived, the oldest first."""
    async with desk.reading(caller) as work:
        after = cursor_of(cursor, EndpointId)
        page = await list_endpoints(work, job_id=job_id, limit=limit, after=after)
        return endpoint_list(page, work.now)


@router.get("/{endpointId}", operation_id="getEndpoint")
async def read(
    desk: TheDesk, caller: TheCaller, job_id: PathJobOrAny, endpoint_id: PathEndpoint
) -> EndpointBody:
    """Read an endpoint; `_` stands for any job."""
    async with desk.reading(caller) as work:
        return endpoint_body(await read_endpoint(work, endpoint_id, job_id=job_id), work.now)


@router.patch("/{endpointId}", operation_id="updateEndpoint")
async def change(
    desk: TheDesk,
    caller: TheCaller,
    job_id: PathJobOrAny,
    endpoint_id: PathEndpoint,
    given: EndpointPatch,
) -> EndpointBody:
    """Change some members of an endpoint; every rule holds for the result."""
    with members_named(WIRE_NAMES):
        async with desk.changing(caller) as work:
            changes = changes_from(given)
            after = await change_endpoint(work, endpoint_id, changes, job_id=job_id)
            return await _shown(work, after)


@router.delete("/{endpointId}", status_code=204, operation_id="deleteEndpoint")
async def delete(
    desk: TheDesk, caller: TheCaller, job_id: PathJobOrAny, endpoint_id: PathEndpoint
) -> None:
    """Retire an endpoint; its history stays."""
    async with desk.changing(caller) as work:
        await archive_endpoint(work, endpoint_id, job_id=job_id)


@router.post("/{endpointId}/archive", operation_id="archiveEndpoint")
async def archive(
    desk: TheDesk, caller: TheCaller, job_id: PathJobOrAny, endpoint_id: PathEndpoint
) -> EndpointBody:
    """Retire an endpoint, and show it."""
    async with desk.changing(caller) as work:
        await archive_endpoint(work, endpoint_id, job_id=job_id)
        return endpoint_body(await read_endpoint(work, endpoint_id), work.now)


@router.post("/{endpointId}/restore", operation_id="restoreEndpoint")
async def restore(
    desk: TheDesk, caller: TheCaller, job_id: PathJobOrAny, endpoint_id: PathEndpoint
) -> EndpointBody:
    """Bring an archived endpoint back, planned from now on."""
    async with desk.changing(caller) as work:
        return await _shown(work, await restore_endpoint(work, endpoint_id, job_id=job_id))


async def _shown(work: Reading, endpoint: Endpoint) -> EndpointBody:
    return endpoint_body(await read_endpoint(work, endpoint.id), work.now)
