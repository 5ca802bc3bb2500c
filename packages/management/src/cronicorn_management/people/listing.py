"""List people."""

from cronicorn_domain.identity import PersonId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.person import Person

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


async def list_people(
    work: Reading, *, limit: int = PAGE_USUAL, after: PersonId | None = None
) -> Page[Person]:
    """Return people, disabled ones too, the oldest first. Raises ``NotAllowed``."""
    work.caller.check(Scope.ADMIN)
    found = await work.people.list_people(work.tenant, limit=check_limit(limit), after=after)
    return page_of(found, limit)
