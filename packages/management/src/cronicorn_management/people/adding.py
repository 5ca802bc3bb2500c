"""Add a person: nobody registers by themselves."""

from datetime import datetime

from cronicorn_domain.identity import PersonId, TenantId, new_uuid
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.audit import FieldChange
from cronicorn_domain.model.person import Person, check_password, email_of, password_of

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.noting import Deed, note

USUAL_SCOPES = frozenset({Scope.READ, Scope.WRITE})


async def add_person(
    desk: Desk,
    caller: Caller,
    *,
    email: str,
    password: str,
    name: str | None = None,
    scopes: frozenset[Scope] = USUAL_SCOPES,
    owner: bool = False,
) -> Person:
    """
    Add somebody to the caller's tenant; without a name they are called by their address.

    Raises:
        NotAllowed: the caller is no administrator, or may not itself what the person would.
        InvalidInput: they cannot be as they are given.
        EmailTaken: somebody of this installation has the address.
        AlreadyFounded: they are to be the owner, and there is one.
    """
    for scope in (Scope.ADMIN, *sorted(scopes)):
        caller.check(scope)
    email, hashed = await judged(desk, email=email, password=password)
    async with desk.changing(caller) as work:
        person = new_person(
            email=email,
            hashed=hashed,
            tenant=work.tenant,
            name=name,
            scopes=scopes,
            owner=owner,
            now=work.now,
        )
        await keep_person(work, person)
    return person


async def judged(desk: Desk, *, email: str, password: str) -> tuple[str, str]:
    """Return an address as it is kept, and the hash of a password. Raises ``InvalidInput``."""
    email = email_of(email)
    check_password(password, email=email)
    return email, await desk.passwords.hash(password_of(password))


def new_person(
    *,
    email: str,
    hashed: str,
    tenant: TenantId,
    name: str | None,
    scopes: frozenset[Scope],
    owner: bool,
    now: datetime,
) -> Person:
    """Make a person of what was judged. Raises ``InvalidInput``."""
    return Person(
        id=PersonId(new_uuid()),
        tenant=tenant,
        email=email,
        name=email if name is None else name,
        password=hashed,
        scopes=scopes,
        created_at=now,
        owner=owner,
    )


async def keep_person(work: Changing, person: Person) -> None:
    """Keep a new person, and note it. Raises ``EmailTaken``, ``AlreadyFounded``."""
    await work.people.add(person)
    await note(work, Deed.CREATE, person, _told(person))


def _told(person: Person) -> list[FieldChange]:
    told = {"email": person.email, "name": person.name, "scopes": " ".join(sorted(person.scopes))}
    return [FieldChange(field=each, before=None, after=told[each]) for each in sorted(told)]
