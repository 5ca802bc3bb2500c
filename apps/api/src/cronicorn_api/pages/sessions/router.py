"""Pages of what the AI planner made of endpoints, and where its suggestions are decided."""

from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.errors import Conflict, InvalidInput, NotFound
from cronicorn_domain.identity import SessionId, SuggestionId
from cronicorn_domain.model.proposal import in_words
from cronicorn_management.sessions.browsing import browse_sessions
from cronicorn_management.sessions.reading import read_session
from cronicorn_management.suggestions.deciding import approve_suggestion, refuse_suggestion
from fastapi import Query, Response

from cronicorn_api.pages.endpoint.router import here_of
from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import faults_of
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.sessions.views import SESSIONS_OF_A_PAGE, session_view, sessions_view

router: Final = pages_router()
_OFFSET_MOST: Final = 100_000


@router.get("/sessions")
async def sessions(
    viewer: TheViewer, offset: Annotated[int, Query(ge=0, le=_OFFSET_MOST)] = 0
) -> Response:
    """Show sessions of all endpoints, and what waits for a decision."""
    async with viewer.desk.reading(viewer.caller) as work:
        found = await browse_sessions(work, limit=SESSIONS_OF_A_PAGE, offset=offset)
    here = here_of(viewer, None)
    return viewer.page(
        "sessions/list", view=sessions_view(found, viewer.zones, here, offset=offset)
    )


@router.get("/sessions/{sessionId}")
async def session(viewer: TheViewer, sessionId: UUID) -> Response:  # noqa: N803  the path's name
    """Show a session."""
    async with viewer.desk.reading(viewer.caller) as work:
        found = await read_session(work, SessionId(sessionId))
    return viewer.page("sessions/page", view=session_view(found, viewer.zones))


@router.post("/suggestions/{suggestionId}")
async def decide(viewer: TheViewer, suggestionId: UUID, form: Form) -> Response:  # noqa: N803
    """Approve a suggestion, or refuse it."""
    approved = form.get("decision") == "approve"
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            deciding = approve_suggestion if approved else refuse_suggestion
            decided = await deciding(work, SuggestionId(suggestionId))
    except (Conflict, InvalidInput, NotFound) as refusal:
        told = " ".join(each.message for each in faults_of(refusal))
        return viewer.back("/sessions", f"Not decided. {told}")
    verb = "Approved" if approved else "Refused"
    return viewer.back("/sessions", f"{verb}: {in_words(decided.proposal)}.")
