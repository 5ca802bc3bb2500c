"""Shows sessions of the AI planner, and what they suggest."""

from typing import Any, Final, assert_never

from cronicorn_domain.model.proposal import (
    Proposal,
    ProposeClearing,
    ProposeInterval,
    ProposePause,
    ProposeRun,
    ProposeTrigger,
    in_words,
)
from cronicorn_domain.model.session import (
    MadeCall,
    NamedSession,
    NextRun,
    Session,
    Suggestion,
)
from cronicorn_management.pages import Page
from cronicorn_management.sessions.reading import Sessions

from cronicorn_api.sessions.schemas import (
    NextRunBody,
    SessionBody,
    SessionDetailBody,
    SessionList,
    SuggestionBody,
    SuggestionList,
    ToolCallBody,
    WarningBody,
)
from cronicorn_api.wire.values import in_milliseconds, read_json

_MILLIONTHS: Final = 1_000_000


def session_list(found: Sessions) -> SessionList:
    """Show some sessions."""
    bodies = [SessionBody(**_members(each)) for each in found.page.items]
    return SessionList(
        sessions=bodies,
        total=found.total,
        next_cursor=bodies[-1].id if found.page.more else None,
    )


def session_detail(found: NamedSession) -> SessionDetailBody:
    """Show a session."""
    session = found.session
    return SessionDetailBody(
        **_members(session),
        endpoint_id=str(session.endpoint_id),
        endpoint_name=found.endpoint_name,
        prompt=session.prompt,
    )


def suggestion_list(page: Page[Suggestion]) -> SuggestionList:
    """Show some suggestions."""
    bodies = [suggestion_body(each) for each in page.items]
    return SuggestionList(suggestions=bodies, next_cursor=bodies[-1].id if page.more else None)


def suggestion_body(suggestion: Suggestion) -> SuggestionBody:
    """Show a suggestion."""
    return SuggestionBody(
        id=str(suggestion.id),
        endpoint_id=str(suggestion.endpoint_id),
        session_id=str(suggestion.session_id),
        proposal=in_words(suggestion.proposal),
        reason=suggestion.proposal.reason,
        **_proposed(suggestion.proposal),
        state=suggestion.state.value,
        created_at=suggestion.created_at,
        expires_at=suggestion.expires_at,
        decided_at=suggestion.decided_at,
        decided_by=suggestion.decided_by,
    )


def _members(session: Session) -> dict[str, Any]:
    return {
        "id": str(session.id),
        "analyzed_at": session.started_at,
        "tool_calls": [_call(each) for each in session.calls],
        "reasoning": session.reasoning,
        "token_usage": session.tokens,
        "duration_ms": in_milliseconds(session.ended_at - session.started_at),
        "warnings": [WarningBody(code=each.code, message=each.message) for each in session.caveats],
        "model": session.model,
        "cause": session.cause,
        "mode": session.mode,
        "ending": session.ending,
        "tokens_in": session.tokens_in,
        "tokens_out": session.tokens_out,
        "cost": None if session.cost is None else session.cost / _MILLIONTHS,
        "next_run_before": _next_run(session.before),
        "next_run_after": _next_run(session.after),
        "next_analysis_at": session.next_analysis_at,
        "error": session.error,
    }


def _call(call: MadeCall) -> ToolCallBody:
    return ToolCallBody(
        tool=call.tool, args=read_json(call.arguments), result=read_json(call.result)
    )


def _next_run(run: NextRun | None) -> NextRunBody | None:
    return None if run is None else NextRunBody(due_at=run.due_at, source=run.source)


def _proposed(proposal: Proposal) -> dict[str, Any]:
    match proposal:
        case ProposeInterval(every=every, life=life):
            lengths = {"interval_ms": in_milliseconds(every), "ttl_ms": in_milliseconds(life)}
            return {"action": "interval", **lengths}
        case ProposeRun(at=at, life=life):
            return {"action": "run", "at": at, "ttl_ms": in_milliseconds(life)}
        case ProposePause(until=until):
            return {"action": "pause", "at": until}
        case ProposeClearing():
            return {"action": "clear"}
        case ProposeTrigger(name=name):
            return {"action": "trigger", "sibling": name}
        case _:
            assert_never(proposal)
