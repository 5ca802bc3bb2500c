"""List the AI planner's sessions about an endpoint, and read one."""

from dataclasses import dataclass

from cronicorn_domain.identity import EndpointId, SessionId
from cronicorn_domain.model.session import NamedSession, Session

from cronicorn_management.desk import Reading
from cronicorn_management.pages import Page, check_limit, check_offset, page_of

SESSIONS_MOST = 100
SESSIONS_USUAL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Some of an endpoint's sessions, the newest first, and how many are kept in all."""

    page: Page[Session]
    total: int


async def list_sessions(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    limit: int = SESSIONS_USUAL,
    offset: int = 0,
    before: SessionId | None = None,
) -> Sessions:
    """
    Return sessions, those behind ``before``, passing ``offset`` over.

    Raises ``InvalidInput``, ``NotFound``.
    """
    await work.catalog.get_endpoint(work.tenant, endpoint_id)
    log, tenant = work.unit.sessions, work.tenant
    found = await log.list_sessions(
        tenant,
        endpoint_id,
        limit=check_limit(limit, most=SESSIONS_MOST),
        offset=check_offset(offset),
        before=before,
    )
    return Sessions(page=page_of(found, limit), total=await log.count_sessions(tenant, endpoint_id))


async def read_session(work: Reading, session_id: SessionId) -> NamedSession:
    """Return a session with its endpoint's name. Raises ``NotFound``."""
    return await work.unit.sessions.get(work.tenant, session_id)
