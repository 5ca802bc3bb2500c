"""List what the AI planner suggests, and nobody has decided yet."""

from cronicorn_domain.identity import SuggestionId
from cronicorn_domain.model.session import Suggestion

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


async def list_suggestions(
    work: Reading, *, limit: int = PAGE_USUAL, before: SuggestionId | None = None
) -> Page[Suggestion]:
    """Return those that wait, the newest first, behind ``before``. Raises ``InvalidInput``."""
    found = await work.unit.sessions.list_suggestions(
        work.tenant, now=work.now, limit=check_limit(limit), before=before
    )
    return page_of(found, limit)
