"""Change a password: one's own, or for somebody who has forgotten theirs."""

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import PersonId, SignInId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.person import (
    PASSWORD_LENGTH_MOST,
    Person,
    check_password,
    password_of,
)

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_management.noting import Deed, note
from cronicorn_management.sign_ins.throttling import admit_person


async def change_password(desk: Desk, caller: Caller, *, current: str, new: str) -> None:
    """
    Change one's own password; every other sign-in of theirs ends.

    Raises:
        NeedsPerson: the caller is nobody who is signed in.
        TooManyRequests: it was tried too often.
        InvalidInput: the current password is another, or the new one cannot be one.
    """
    person = await _person(desk, caller, caller.signed_in())
    await admit_person(desk, email=person.email)
    known = current[: PASSWORD_LENGTH_MOST + 1]
    if not await desk.passwords.verify(password_of(known), person.password):
        raise InvalidInput(
            "this is not your password", field="current", remedy="give the one you signed in with"
        )
    await _change(desk, caller, person, new, but=caller.sign_in)


async def set_password(desk: Desk, caller: Caller, person_id: PersonId, *, new: str) -> None:
    """
    Give somebody a new password; their sign-ins end.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``.
    """
    caller.check(Scope.ADMIN)
    person = await _person(desk, caller, person_id)
    await _change(desk, caller, person, new, but=None)


async def _person(desk: Desk, caller: Caller, person_id: PersonId) -> Person:
    async with desk.units.begin() as unit:
        return await unit.people.get(caller.tenant, person_id)


async def _change(
    desk: Desk, caller: Caller, person: Person, new: str, *, but: SignInId | None
) -> None:
    check_password(new, email=person.email)
    hashed = await desk.passwords.hash(password_of(new))
    async with desk.minding(caller) as work:
        await work.people.change_password(person.tenant, person.id, hashed=hashed)
        await work.sign_ins.end_all(person.tenant, person.id, but=but)
        await note(work, Deed.CHANGE_PASSWORD, person)
