"""What crosses the wire about the sessions of the AI planner."""

from cronicorn_api.wire.values import Instant, Wire


class ToolCallBody(Wire):
    """A tool that the model called, and what it answered."""

    tool: str
    args: object
    result: object


class WarningBody(Wire):
    """Something to know about a session; ``code`` is for programs."""

    code: str
    message: str


class SessionBody(Wire):
    """One look of the planner at an endpoint."""

    id: str
    analyzed_at: Instant
    tool_calls: list[ToolCallBody]
    reasoning: str
    token_usage: int | None
    duration_ms: int | None
    warnings: list[WarningBody]


class SessionDetailBody(SessionBody):
    """A session with the endpoint that it looked at."""

    endpoint_id: str
    endpoint_name: str


class SessionList(Wire):
    """Sessions, the newest first, and how many there are in all."""

    sessions: list[SessionBody]
    total: int
