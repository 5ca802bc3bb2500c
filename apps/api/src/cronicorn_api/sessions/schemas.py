"""What crosses the wire about the sessions of the AI planner, and what they suggest."""

from typing import Literal

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.session import Ending

from cronicorn_api.wire.values import Instant, Maybe, Wire


class ToolCallBody(Wire):
    """A tool that the model called, and what it answered."""

    tool: str
    args: object
    result: object


class WarningBody(Wire):
    """Something to know about a session; ``code`` is for programs."""

    code: str
    message: str


class NextRunBody(Wire):
    """When the endpoint was to run next, and by which rule."""

    due_at: Instant
    source: Source


class SessionBody(Wire):
    """One look of the planner at an endpoint; ``cost`` is in the currency of the prices."""

    id: str
    analyzed_at: Instant
    tool_calls: list[ToolCallBody]
    reasoning: str
    token_usage: int | None
    duration_ms: int | None
    warnings: list[WarningBody]
    model: str
    cause: str
    mode: AiMode
    ending: Ending
    tokens_in: int
    tokens_out: int
    cost: Maybe[float] = None
    next_run_before: Maybe[NextRunBody] = None
    next_run_after: Maybe[NextRunBody] = None
    next_analysis_at: Instant
    error: Maybe[str] = None


class SessionDetailBody(SessionBody):
    """A session with the endpoint that it looked at, and what the model was told first."""

    endpoint_id: str
    endpoint_name: str
    prompt: str


class SessionList(Wire):
    """Sessions, the newest first, how many there are in all, and where the list goes on."""

    sessions: list[SessionBody]
    total: int
    next_cursor: Maybe[str] = None


class SuggestionBody(Wire):
    """What a session suggests; ``proposal`` says it in words, as ``run every 30 s for 1 h``."""

    id: str
    endpoint_id: str
    session_id: str
    action: Literal["interval", "run", "pause", "clear", "trigger"]
    proposal: str
    reason: str
    interval_ms: Maybe[int] = None
    ttl_ms: Maybe[int] = None
    at: Maybe[Instant] = None
    sibling: Maybe[str] = None
    state: Literal["waiting", "approved", "refused"]
    created_at: Instant
    expires_at: Instant
    decided_at: Maybe[Instant] = None
    decided_by: Maybe[str] = None


class SuggestionList(Wire):
    """Suggestions that wait, the newest first, and where the list goes on if it does."""

    suggestions: list[SuggestionBody]
    next_cursor: Maybe[str] = None
