"""Pages of what the AI planner made of endpoints, and where its suggestions are decided."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.errors import Conflict, InvalidInput, NotFound
from cronicorn_domain.identity import SessionId, SuggestionId
from cronicorn_domain.model.proposal import in_words
from cronicorn_domain.model.session import SUGGESTION_LIFE
from cronicorn_management.sessions.browsing import browse_sessions
from cronicorn_management.sessions.reading import read_session
from cronicorn_management.suggestions.deciding import approve_suggestion, refuse_suggestion
from fastapi import Query, Response
from fastapi.responses import RedirectResponse

from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import faults_of
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.sessions.asked import SESSIONS_OF_A_PAGE, TheAsked
from cronicorn_api.pages.sessions.views import session_view, sessions_view
from cronicorn_api.pages.timeline.wall_times import wall_time
from cronicorn_api.wire.identities import PathEndpoint

router: Final = pages_router()
_SEE_OTHER: Final = 303
_SESSION_MOST: Final = timedelta(hours=1)


@router.get("/sessions")
async def sessions(viewer: TheViewer, asked: TheAsked) -> Response:
    """Show sessions of all endpoints, or of one, and what waits for a decision."""
    here = viewer.here()
    since, until = asked.window(here)
    async with viewer.desk.reading(viewer.caller) as work:
        found = await browse_sessions(
            work,
            endpoint_id=asked.endpoint_id,
            since=since,
            until=until,
            limit=SESSIONS_OF_A_PAGE,
            offset=asked.offset,
        )
    shown = sessions_view(found, viewer.zones, here, asked)
    return viewer.page("sessions/list", view=shown)


@router.get("/endpoints/{endpointId}/sessions")
async def sessions_of_endpoint(
    viewer: TheViewer, endpoint_id: PathEndpoint, at: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Lead to the session that was held last at an instant, else to all of an endpoint."""
    if at:
        until = wall_time(at, viewer.here(), field="at")
        async with viewer.desk.reading(viewer.caller) as work:
            found = await browse_sessions(
                work,
                endpoint_id=endpoint_id,
                since=until - SUGGESTION_LIFE - _SESSION_MOST,
                until=until,
                limit=1,
            )
        if found.sessions:
            path = f"/sessions/{found.sessions[0].session.id}"
            return RedirectResponse(path, _SEE_OTHER)
    return RedirectResponse(f"/sessions?endpoint={endpoint_id}", _SEE_OTHER)


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
