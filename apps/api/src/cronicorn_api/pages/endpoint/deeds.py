"""What the page of an endpoint does: run it, pause and resume it, clear hints, forget failures."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import Conflict, InvalidInput, NotFound
from cronicorn_domain.identity import EndpointId, HintId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.resetting import reset_failures
from cronicorn_management.endpoints.restoring import restore_endpoint
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.endpoints.running import run_now
from cronicorn_management.hints.clearing import clear_hint, clear_hints
from fastapi import Response

from cronicorn_api.access.sign_in import is_local
from cronicorn_api.pages.endpoint.pausing import kept_of, pause_of, undo_of_pause
from cronicorn_api.pages.endpoint.views import zone_of
from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.said import Undo
from cronicorn_api.pages.frame.told import faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.wire.identities import PathEndpoint

router: Final = pages_router()


@router.post("/endpoints/{endpointId}/run")
async def run(viewer: TheViewer, endpoint_id: PathEndpoint, form: Form) -> Response:
    """Run it now."""
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            await run_now(work, endpoint_id, reason=form.get("reason") or None)
    except Conflict as refusal:
        return _back(viewer, endpoint_id, form, str(refusal))
    return _back(viewer, endpoint_id, form, "Asked for a run: it is the newest mark.")


@router.post("/endpoints/{endpointId}/pause")
async def pause(viewer: TheViewer, endpoint_id: PathEndpoint, form: Form) -> Response:
    """Pause it for as long as was chosen."""
    try:
        wanted = pause_of(form, viewer.now, viewer.here())
        async with viewer.desk.changing(viewer.caller) as work:
            before = await endpoint_to_change(work, endpoint_id)
            await pause_endpoint(work, endpoint_id, until=wanted.until, reason=wanted.reason)
    except (InvalidInput, Conflict) as refusal:
        told = " ".join(each.message for each in faults_of(refusal))
        return _back(viewer, endpoint_id, form, f"Not paused. {told}", kept=kept_of(form))
    until = (
        "until it is resumed"
        if wanted.until >= OPEN_ENDED
        else f"until {viewer.zones.moment(wanted.until, zone_of(before)).clock}"
    )
    undo = undo_of_pause(before, viewer.now)
    return _back(viewer, endpoint_id, form, f"Paused {until}.", undo=undo)


@router.post("/endpoints/{endpointId}/resume")
async def resume(viewer: TheViewer, endpoint_id: PathEndpoint, form: Form) -> Response:
    """Resume it."""
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            paused = await resume_endpoint(work, endpoint_id)
    except Conflict as refusal:
        return _back(viewer, endpoint_id, form, str(refusal))
    return _back(viewer, endpoint_id, form, "Resumed." if paused else "It was not paused.")


@router.post("/endpoints/{endpointId}/restore")
async def restore(viewer: TheViewer, endpoint_id: PathEndpoint, form: Form) -> Response:
    """Bring it back from the archive."""
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            await restore_endpoint(work, endpoint_id)
    except Conflict as refusal:
        return _back(viewer, endpoint_id, form, str(refusal))
    return _back(viewer, endpoint_id, form, "Restored.")


@router.post("/endpoints/{endpointId}/clear-hints")
async def clear(viewer: TheViewer, endpoint_id: PathEndpoint, form: Form) -> Response:
    """End one hint, or all of them."""
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            count = await _clear(work, endpoint_id, form.get("hint"))
    except NotFound:
        return _back(viewer, endpoint_id, form, "That hint has ended already.")
    hints = "1 hint" if count == 1 else f"{count} hints"
    return _back(viewer, endpoint_id, form, f"Cleared {hints}." if count else "No hint was active.")


@router.post("/endpoints/{endpointId}/reset")
async def reset(viewer: TheViewer, endpoint_id: PathEndpoint, form: Form) -> Response:
    """Forget its failures in a row."""
    async with viewer.desk.changing(viewer.caller) as work:
        any_failures = await reset_failures(work, endpoint_id)
    said = (
        "Failures are forgotten; it runs by its rhythm again." if any_failures else "No failures."
    )
    return _back(viewer, endpoint_id, form, said)


async def _clear(work: Changing, endpoint_id: EndpointId, hint: str | None) -> int:
    if hint is None:
        return await clear_hints(work, endpoint_id)
    try:
        hint_id = HintId(UUID(hint))
    except ValueError:
        raise NotFound("hint", hint) from None
    await clear_hint(work, endpoint_id, hint_id)
    return 1


def _back(
    viewer: Viewer,
    endpoint_id: EndpointId,
    form: Form,
    said: str,
    *,
    undo: Undo | None = None,
    kept: Mapping[str, str] | None = None,
) -> Response:
    further = form.get("next", "")
    path = further if further and is_local(further) else f"/endpoints/{endpoint_id}"
    if kept is None:
        return viewer.back(path, said, undo)
    return viewer.back(path, said, undo, {"form": viewer.request.url.path, **kept})
