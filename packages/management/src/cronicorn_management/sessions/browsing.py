"""Browse the sessions of all endpoints, with what waits for a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
        total: How many sessions there are in all of what was asked for.
        suggestions: The newest of those that wait, whatever was asked for.
        names: What the suggestions' endpoints and the one that was asked for are called; those
            that cannot be read are left out.
    """

    sessions: Sequence[NamedSession]
    total: int
    suggestions: Sequence[Suggestion]
    names: Mapping[EndpointId, str]


async def browse_sessions(
    work: Reading,
    *,
    endpoint_id: EndpointId | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = PAGE_USUAL,
    offset: int = 0,
) -> Browsed:
    """
    Return sessions of all endpoints, or of one, passing ``offset`` over.

    Those that began from ``since`` to ``until``, both within; without them all that are kept.
    Raises ``InvalidInput``.
    """
    most = check_limit(limit) - 1
    kept_since = work.now - SESSIONS_KEPT
    which = SessionSelection(
        since=kept_since if since is None else since,
        until=work.now + _A_MOMENT if until is None else until,
        endpoint_id=endpoint_id,
    )
    log, tenant = work.unit.sessions, work.tenant
    suggestions = await log.list_suggestions(tenant, now=work.now, limit=SUGGESTIONS_MOST)
    named = [*(each.endpoint_id for each in suggestions)]
    named += [] if endpoint_id is None else [endpoint_id]
    ids = list(dict.fromkeys(named))
    situations = await work.catalog.get_situations(tenant, ids) if ids else ()
    return Browsed(
        sessions=await log.newest(tenant, which, limit=most, offset=check_offset(offset)),
        total=await log.count(tenant, which),
        suggestions=suggestions,
        names={each.endpoint.id: each.endpoint.name for each in situations},
    )
