"""Keeps the sessions of the AI planner, and the suggestions that wait for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cronicorn_domain.identity import EndpointId, JobId, SessionId, SuggestionId, TenantId
from cronicorn_domain.model.session import NamedSession, Session, Suggestion

SESSIONS_KEPT: Final = timedelta(days=90)
"""For how long sessions are kept, and their suggestions with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSelection:
    """Which sessions are meant: begun from ``since`` to ``until``, both within."""

    since: datetime
    until: datetime
    job_id: JobId | None = None
    endpoint_id: EndpointId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTally:
    """The sessions about an endpoint that began in an hour, which begins there."""

    endpoint_id: EndpointId
    endpoint_name: str
    begins_at: datetime
    sessions: int
    tokens: int


class SessionLog(Protocol):
    """
    Sessions and suggestions of all tenants; takes part in the caller's unit of work.

    Promises:

    - What is another tenant's is ``NotFound``, and never listed or counted.
    - A session is written once. With an endpoint that is deleted its sessions go.
    - Lists leave out what is large: prompts and tool calls are empty there, but for
      ``list_sessions``.
    """

    async def append(self, session: Session, suggestions: Sequence[Suggestion] = ()) -> None:
        """Keep a session with what it suggests. Raises ``NotFound``: its endpoint is gone."""
        ...

    async def get(self, tenant: TenantId, session_id: SessionId) -> NamedSession:
        """Return a session, whole. Raises ``NotFound``."""
        ...

    async def list_sessions(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 10,
        offset: int = 0,
        before: SessionId | None = None,
    ) -> Sequence[Session]:
        """
        Return an endpoint's sessions, whole, the newest first.

        With ``before`` those behind that one; ``offset`` of them are passed over.
        """
        ...

    async def count_sessions(self, tenant: TenantId, endpoint_id: EndpointId) -> int:
        """Return how many sessions of an endpoint are kept."""
        ...

    async def newest(
        self, tenant: TenantId, which: SessionSelection, *, limit: int = 50, offset: int = 0
    ) -> Sequence[NamedSession]:
        """Return the tenant's sessions, the newest first."""
        ...

    async def count(self, tenant: TenantId, which: SessionSelection) -> int:
        """Return how many ``newest`` has in all."""
        ...

    async def hours(self, tenant: TenantId, which: SessionSelection) -> Sequence[SessionTally]:
        """Return the sums of each hour and endpoint that has any, the earliest hour first."""
        ...

    async def list_suggestions(
        self,
        tenant: TenantId,
        *,
        now: datetime,
        limit: int = 100,
        before: SuggestionId | None = None,
    ) -> Sequence[Suggestion]:
        """Return those that wait, the newest first, with ``before`` those behind that one."""
        ...

    async def get_suggestion(self, tenant: TenantId, suggestion_id: SuggestionId) -> Suggestion:
        """
        Return a suggestion, whichever its state. Raises ``NotFound``.

        Other units cannot decide it until this one ends.
        """
        ...

    async def decide(self, suggestion: Suggestion) -> None:
        """Write a suggestion as it was decided. Raises ``NotFound``."""
        ...

    async def prune(self, *, before: datetime, limit: int) -> int:
        """Delete sessions that began before an instant, and their suggestions; say how many."""
        ...
