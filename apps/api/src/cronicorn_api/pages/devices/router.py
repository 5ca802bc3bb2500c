"""Routes of letting devices in."""

from typing import Annotated, Final

from cronicorn_domain.errors import (
    CronicornError,
    ForbiddenTransition,
    NeedsPerson,
    NotFound,
    TooManyRequests,
)
from cronicorn_domain.model.device_grant import DeviceGrant
from cronicorn_management.device_grants.deciding import (
    approve_device,
    deciding,
    deny_device,
    find_grant,
)
from fastapi import Query, Response

from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import wait_in_words
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer

router: Final = pages_router()
_Code = Annotated[str, Query(max_length=1000)]


@router.get("/device/approve")
async def ask(viewer: TheViewer, user_code: _Code = "") -> Response:
    """Ask whether a device is to be let in, or for its code."""
    if not user_code:
        return viewer.page("devices/code", problem=None)
    try:
        grant = await _grant(viewer, user_code)
    except (NotFound, NeedsPerson, TooManyRequests) as refusal:
        return _refused(viewer, refusal)
    scopes = sorted(grant.scopes & viewer.person.scopes)
    return viewer.page("devices/asked", client=grant.client, scopes=scopes, user_code=user_code)


@router.post("/device/approve")
async def decide(viewer: TheViewer, form: Form) -> Response:
    """Let a device in, or send it away."""
    user_code, approved = form.get("user_code", ""), form.get("decision") == "approve"
    try:
        async with deciding(viewer.desk, viewer.caller) as work:
            await (approve_device if approved else deny_device)(work, user_code)
    except (NotFound, ForbiddenTransition, NeedsPerson, TooManyRequests) as refusal:
        return _refused(viewer, refusal)
    return viewer.page("devices/decided", approved=approved)


async def _grant(viewer: Viewer, user_code: str) -> DeviceGrant:
    async with deciding(viewer.desk, viewer.caller) as work:
        return await find_grant(work, user_code)


def _refused(viewer: Viewer, refusal: CronicornError) -> Response:
    status, problem = _told(refusal)
    return viewer.page("devices/code", status=status, problem=problem)


def _told(refusal: CronicornError) -> tuple[int, str]:
    """Say with which status and in which words a page tells of a refusal."""
    match refusal:
        case TooManyRequests():
            return 429, wait_in_words(refusal)
        case NotFound():
            return 404, "There is no device with this code, or it has waited too long."
        case ForbiddenTransition():
            return 409, "This was decided already."
        case NeedsPerson():
            return 403, "Only a person who is signed in in a browser may decide this."
        case _:
            raise refusal
