"""List the AI planner's sessions about an endpoint, and read one."""

from collections.abc import Sequence
from dataclasses import dataclass

from cronicorn_domain.identity import EndpointId, SessionId
from cronicorn_domain.model.session import NamedSession, Session

from cronicorn_management.desk import Reading
from cronicorn_management.pages import check_limit, check_offset

SESSIONS_MOST = 100
SESSIONS_USUAL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """A page of an endpoint's sessions, the newest first, and how many are kept in all."""

    sessions: Sequence[Session]
    total: int


async def list_sessions(
    work: Reading, endpoint_id: EndpointId, *, limit: int = SESSIONS_USUAL, offset: int = 0
) -> Sessions:
    """Return sessions, passing ``offset`` over. Raises ``InvalidInput``, ``NotFound``."""
    most = check_limit(limit, most=SESSIONS_MOST) - 1
    await work.catalog.get_endpoint(work.tenant, endpoint_id)
    log, tenant = work.unit.sessions, work.tenant
    found = await log.list_sessions(tenant, endpoint_id, limit=most, offset=check_offset(offset))
    return Sessions(sessions=found, total=await log.count_sessions(tenant, endpoint_id))


async def read_session(work: Reading, session_id: SessionId) -> NamedSession:
    """Return a session with its endpoint's name. Raises ``NotFound``."""
    return await work.unit.sessions.get(work.tenant, session_id)
