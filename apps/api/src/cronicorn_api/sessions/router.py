"""Routes of the AI planner's sessions, and of what they suggest."""

from typing import Annotated, Final

from cronicorn_domain.identity import SessionId, SuggestionId
from cronicorn_management.pages import OFFSET_MOST, PAGE_MOST, PAGE_USUAL
from cronicorn_management.sessions.reading import (
    SESSIONS_MOST,
    SESSIONS_USUAL,
    list_sessions,
    read_session,
)
from cronicorn_management.suggestions.deciding import approve_suggestion, refuse_suggestion
from cronicorn_management.suggestions.listing import list_suggestions
from fastapi import APIRouter, Query

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.sessions.presenters import (
    session_detail,
    session_list,
    suggestion_body,
    suggestion_list,
)
from cronicorn_api.sessions.schemas import (
    SessionDetailBody,
    SessionList,
    SuggestionBody,
    SuggestionList,
)
from cronicorn_api.wire.identities import PathEndpoint, PathSession, PathSuggestion, cursor_of

router: Final = APIRouter(tags=["sessions"])


@router.get("/endpoints/{endpointId}/sessions", operation_id="listSessions")
async def sessions(
    *,
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    limit: Annotated[int, Query(ge=1, le=SESSIONS_MOST)] = SESSIONS_USUAL,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MOST)] = 0,
    cursor: str | None = None,
) -> SessionList:
    """List the planner's sessions about an endpoint, the newest first."""
    async with desk.reading(caller) as work:
        before = cursor_of(cursor, SessionId)
        found = await list_sessions(work, endpoint_id, limit=limit, offset=offset, before=before)
    return session_list(found)


@router.get("/sessions/{sessionId}", operation_id="getSession")
async def session(desk: TheDesk, caller: TheCaller, session_id: PathSession) -> SessionDetailBody:
    """Read a session."""
    async with desk.reading(caller) as work:
        found = await read_session(work, session_id)
    return session_detail(found)


@router.get("/suggestions", operation_id="listSuggestions")
async def suggestions(
    *,
    desk: TheDesk,
    caller: TheCaller,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_USUAL,
    cursor: str | None = None,
) -> SuggestionList:
    """List what the planner suggests and nobody has decided yet, the newest first."""
    async with desk.reading(caller) as work:
        before = cursor_of(cursor, SuggestionId)
        page = await list_suggestions(work, limit=limit, before=before)
    return suggestion_list(page)


@router.post("/suggestions/{suggestionId}/approve", operation_id="approveSuggestion")
async def approve(
    desk: TheDesk, caller: TheCaller, suggestion_id: PathSuggestion
) -> SuggestionBody:
    """Let a suggestion take effect, judged as things stand now."""
    async with desk.changing(caller) as work:
        decided = await approve_suggestion(work, suggestion_id)
    return suggestion_body(decided)


@router.post("/suggestions/{suggestionId}/refuse", operation_id="refuseSuggestion")
async def refuse(desk: TheDesk, caller: TheCaller, suggestion_id: PathSuggestion) -> SuggestionBody:
    """Put a suggestion aside."""
    async with desk.changing(caller) as work:
        decided = await refuse_suggestion(work, suggestion_id)
    return suggestion_body(decided)
