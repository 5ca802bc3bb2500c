"""Browse the sessions of all endpoints, with what waits for a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.session import NamedSession, Suggestion
from cronicorn_domain.ports.session_log import SESSIONS_KEPT, SessionSelection

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, check_limit, check_offset

SUGGESTIONS_MOST: Final = 50
_A_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsed:
    """
    A page of sessions, the newest first, and the suggestions that wait.

    Attributes:
        sessions: The page; prompts and tool calls are left out.
        total: How many sessions are kept in all.
        suggestions: The newest of those that wait.
        names: What the suggestions' endpoints are called; those that cannot be read are left out.
    """

    sessions: Sequence[NamedSession]
    total: int
    suggestions: Sequence[Suggestion]
    names: Mapping[EndpointId, str]


async def browse_sessions(work: Reading, *, limit: int = PAGE_USUAL, offset: int = 0) -> Browsed:
    """Return sessions of all endpoints, passing ``offset`` over. Raises ``InvalidInput``."""
    most = check_limit(limit) - 1
    which = SessionSelection(since=work.now - SESSIONS_KEPT, until=work.now + _A_MOMENT)
    log, tenant = work.unit.sessions, work.tenant
    suggestions = await log.list_suggestions(tenant, now=work.now, limit=SUGGESTIONS_MOST)
    ids = list(dict.fromkeys(each.endpoint_id for each in suggestions))
    situations = await work.catalog.get_situations(tenant, ids) if ids else ()
    return Browsed(
        sessions=await log.newest(tenant, which, limit=most, offset=check_offset(offset)),
        total=await log.count(tenant, which),
        suggestions=suggestions,
        names={each.endpoint.id: each.endpoint.name for each in situations},
    )
