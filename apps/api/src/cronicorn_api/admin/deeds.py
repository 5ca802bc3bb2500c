"""What the commands of whoever runs the installation do, and what they say of it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from cronicorn_domain.errors import InvalidInput, NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, ApiKeyId, TenantId, new_uuid
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.api_key import ApiKey, Scope
from cronicorn_domain.model.person import Person, email_of
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.accounts.listing import list_keys
from cronicorn_management.accounts.revoking import revoke_key
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind
from cronicorn_management.desk import Desk
from cronicorn_management.pages import PAGE_MOST
from cronicorn_management.people.adding import add_person
from cronicorn_management.people.changing_password import set_password
from cronicorn_management.people.disabling import disable_person
from cronicorn_management.people.enabling import enable_person
from cronicorn_management.people.listing import list_people


async def add(
    desk: Desk, *, email: str, password: str, name: str | None, scopes: str, tenant: str | None
) -> str:
    """Add somebody. Raises ``InvalidInput``, ``EmailTaken``."""
    caller = _caller(_new_tenant() if tenant == "new" else _tenant(tenant))
    person = await add_person(
        desk, caller, email=email, password=password, name=name, scopes=_scopes(scopes)
    )
    return f"{person.email} may sign in; their tenant is {person.tenant}"


async def people(desk: Desk, *, tenant: str | None) -> str:
    """List people, a line each, behind what the columns are."""
    async with desk.reading(_caller(_tenant(tenant))) as work:
        found = (await list_people(work, limit=PAGE_MOST)).items
    return _table(["EMAIL", "NAME", "SCOPES", "SINCE", "STATE"], map(_person_line, found))


async def disable(desk: Desk, *, email: str) -> str:
    """Disable somebody. Raises ``InvalidInput``, ``NotFound``."""
    person = await _person(desk, email)
    async with desk.changing(_caller(person.tenant)) as work:
        await disable_person(work, person.id)
    return f"{person.email} is let in no more"


async def enable(desk: Desk, *, email: str) -> str:
    """Let somebody sign in again. Raises ``InvalidInput``, ``NotFound``."""
    person = await _person(desk, email)
    async with desk.changing(_caller(person.tenant)) as work:
        await enable_person(work, person.id)
    return f"{person.email} may sign in again"


async def give_password(desk: Desk, *, email: str, new: str) -> str:
    """Give somebody a new password. Raises ``InvalidInput``, ``NotFound``."""
    person = await _person(desk, email)
    await set_password(desk, _caller(person.tenant), person.id, new=new)
    return f"{person.email} has a new password"


async def issue(desk: Desk, *, name: str, scopes: str, days: int | None, tenant: str | None) -> str:
    """Issue a key, and say it. Raises ``InvalidInput``."""
    async with desk.changing(_caller(_tenant(tenant))) as work:
        expires_at = None if days is None else work.now + timedelta(days=days)
        issued = await issue_key(work, name=name, scopes=_scopes(scopes), expires_at=expires_at)
    return issued.secret


async def keys(desk: Desk, *, tenant: str | None) -> str:
    """List keys, a line each, behind what the columns are."""
    async with desk.reading(_caller(_tenant(tenant))) as work:
        found = (await list_keys(work, limit=PAGE_MOST)).items
    return _table(["ID", "NAME", "BEGINS", "SCOPES", "EXPIRES", "LAST USED"], map(_key_line, found))


async def revoke(desk: Desk, *, key: str, tenant: str | None) -> str:
    """Revoke a key. Raises ``InvalidInput``, ``NotFound``."""
    async with desk.changing(_caller(_tenant(tenant))) as work:
        await revoke_key(work, ApiKeyId(_uuid(key, field="ID")))
    return f"key {key} is revoked"


def _caller(tenant: TenantId) -> Caller:
    """Return whoever reaches the database anyway, as the audit is to call them."""
    return Caller(tenant=tenant, kind=CallerKind.COMMAND, name="cronicorn-api", scopes=EVERY_SCOPE)


async def _person(desk: Desk, email: str) -> Person:
    email = email_of(email)
    async with desk.units.begin() as unit:
        person = await unit.people.find(email)
    if person is None:
        raise NotFound("person", email)
    return person


def _tenant(text: str | None) -> TenantId:
    return DEFAULT_TENANT if text is None else TenantId(_uuid(text, field="--tenant"))


def _new_tenant() -> TenantId:
    return TenantId(new_uuid())


def _uuid(text: str, *, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            f"{field} {text[:40]!r} is no id", field=field, remedy="give one as the lists have it"
        ) from None


def _scopes(text: str) -> frozenset[Scope]:
    try:
        return frozenset(map(Scope, text.replace(",", " ").split()))
    except ValueError:
        raise InvalidInput(
            f"--scopes {text[:40]!r} are none",
            field="--scopes",
            remedy="give some of read, write and admin, apart by commas",
        ) from None


def _person_line(person: Person) -> Sequence[str]:
    state = "owner" if person.owner else "enabled"
    if person.disabled_at is not None:
        state = f"disabled since {iso_milliseconds(person.disabled_at)}"
    scopes = ",".join(sorted(person.scopes))
    return [person.email, person.name, scopes, iso_milliseconds(person.created_at), state]


def _key_line(key: ApiKey) -> Sequence[str]:
    expires = "never" if key.expires_at is None else iso_milliseconds(key.expires_at)
    used = "never" if key.last_used_at is None else iso_milliseconds(key.last_used_at)
    scopes = ",".join(sorted(key.scopes))
    return [str(key.id), key.name, key.digest.prefix, scopes, expires, used]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
