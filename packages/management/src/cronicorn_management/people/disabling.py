"""Disable a person."""

from cronicorn_domain.identity import PersonId
from cronicorn_domain.model.api_key import Scope

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def disable_person(work: Changing, person_id: PersonId) -> None:
    """
    Let somebody in no more: their sign-ins end, and so do the keys that they issued.

    Once more, it does nothing. Raises ``NotAllowed``, ``NotFound``.
    """
    work.caller.check(Scope.ADMIN)
    person = await work.people.disable(work.tenant, person_id, now=work.now)
    await work.sign_ins.end_all(work.tenant, person_id)
    await work.keys.revoke_issued_by(work.tenant, person_id, now=work.now)
    if person.disabled_at is None:
        await note(work, Deed.DISABLE, person)
