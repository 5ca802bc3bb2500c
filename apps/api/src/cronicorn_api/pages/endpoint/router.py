"""The page of an endpoint: what it did, what it does next, and why."""

from typing import Final

from cronicorn_domain.identity import EndpointId
from fastapi import Response

from cronicorn_api.pages.endpoint.asked import Asked, TheAsked
from cronicorn_api.pages.endpoint.views import endpoint_view
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.wire.identities import PathEndpoint

router: Final = pages_router()


@router.get("/endpoints/{endpointId}")
async def endpoint(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Show an endpoint."""
    found = await asked.read(viewer, endpoint_id)
    shown = endpoint_view(found, viewer.zones)
    return viewer.page(
        "endpoint/page", view=shown, job_name=found.job_name, timeline=asked.view(found, viewer)
    )


@router.get("/_/endpoints/{endpointId}/timeline")
async def timeline(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Show the timeline alone."""
    found = await asked.read_along(viewer, endpoint_id)
    return viewer.fragment("endpoint/_timeline", view=asked.view(found, viewer))


@router.get("/_/endpoints/{endpointId}/sentence")
async def sentence(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Say where it stands, alone."""
    return await _part(viewer, endpoint_id, asked, "sentence")


@router.get("/_/endpoints/{endpointId}/deeds")
async def deeds(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Offer what can be done with it, alone."""
    return await _part(viewer, endpoint_id, asked, "deeds")


@router.get("/_/endpoints/{endpointId}/next")
async def next_run(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Say what it asks and when it runs next, alone."""
    return await _part(viewer, endpoint_id, asked, "next")


@router.get("/_/endpoints/{endpointId}/standing")
async def standing(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Show why the next one is due, its health and what comes next, alone."""
    return await _part(viewer, endpoint_id, asked, "standing")


async def _part(viewer: Viewer, endpoint_id: EndpointId, asked: Asked, name: str) -> Response:
    shown = endpoint_view(await asked.outlook(viewer, endpoint_id), viewer.zones)
    return viewer.fragment(f"endpoint/_{name}", view=shown)
