"""Routes of the AI planner's sessions; nothing plans by AI yet, so that there are none."""

from typing import Annotated, Final

from cronicorn_domain.errors import NotFound
from cronicorn_management.endpoints.reading import read_endpoint
from fastapi import APIRouter, Path, Query

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.sessions.schemas import SessionDetailBody, SessionList
from cronicorn_api.wire.identities import PathEndpoint

router: Final = APIRouter(tags=["sessions"])
_LIMIT_MOST: Final = 100
_LIMIT_USUAL: Final = 10
_SHOWN_MOST: Final = 64
Limit = Annotated[int, Query(ge=1, le=_LIMIT_MOST)]
Offset = Annotated[int, Query(ge=0)]


@router.get("/endpoints/{endpointId}/sessions", operation_id="listSessions")
async def sessions(
    *,
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    limit: Limit = _LIMIT_USUAL,  # noqa: ARG001  clients send it, and it is checked
    offset: Offset = 0,  # noqa: ARG001
) -> SessionList:
    """List the planner's sessions about an endpoint, the newest first."""
    async with desk.reading(caller) as work:
        await read_endpoint(work, endpoint_id)
    return SessionList(sessions=[], total=0)


@router.get("/sessions/{sessionId}", operation_id="getSession")
async def session(
    desk: TheDesk, caller: TheCaller, session_id: Annotated[str, Path(alias="sessionId")]
) -> SessionDetailBody:
    """Read a session."""
    async with desk.reading(caller):
        raise NotFound("session", session_id[:_SHOWN_MOST])
