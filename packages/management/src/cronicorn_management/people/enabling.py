"""Enable a person again."""

from cronicorn_domain.identity import PersonId
from cronicorn_domain.model.api_key import Scope

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def enable_person(work: Changing, person_id: PersonId) -> None:
    """
    Let somebody sign in again; what ended when they were disabled does not come back.

    Whoever is enabled already stays so. Raises ``NotAllowed``, ``NotFound``.
    """
    work.caller.check(Scope.ADMIN)
    person = await work.people.enable(work.tenant, person_id)
    if person.disabled_at is not None:
        await note(work, Deed.ENABLE, person)
