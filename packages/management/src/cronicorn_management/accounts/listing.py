"""List API keys."""

from cronicorn_domain.identity import ApiKeyId
from cronicorn_domain.model.api_key import ApiKey, Scope

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


async def list_keys(
    work: Reading, *, limit: int = PAGE_USUAL, after: ApiKeyId | None = None
) -> Page[ApiKey]:
    """Return keys that are not revoked, the oldest first. Raises ``NotAllowed``."""
    work.caller.check(Scope.ADMIN)
    found = await work.keys.list_keys(work.tenant, limit=check_limit(limit), after=after)
    return page_of(found, limit)
