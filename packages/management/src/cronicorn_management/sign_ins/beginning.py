"""Sign somebody in."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import SignInRefused
from cronicorn_domain.identity import SignInId, new_uuid
from cronicorn_domain.model.api_key import Scope, digest_of
from cronicorn_domain.model.person import PASSWORD_LENGTH_MOST, Person, email_of, password_of
from cronicorn_domain.model.sign_in import SIGN_IN_LASTS, SignIn, SignInKind, label_of

from cronicorn_management.caller import Caller, CallerKind
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.noting import Deed, note
from cronicorn_management.sign_ins.known_devices import known_by, proof_for
from cronicorn_management.sign_ins.throttling import admit_account, admit_address

TOKEN_BEGINNING: Final = "cs_"  # noqa: S105  what every token begins with
_RANDOM_BYTES: Final = 32
_KEPT_AFTER: Final = timedelta(days=1)
"""So long what has expired is kept, so that a clock that is wrong does not delete what holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """
    A sign-in and its token, which is shown this once.

    ``device`` is what the browser keeps to be known by the next time; see ``known_devices``.
    """

    sign_in: SignIn
    person: Person
    token: str = field(repr=False)
    device: str | None = field(default=None, repr=False)


async def sign_in(
    desk: Desk,
    *,
    email: str,
    password: str,
    label: str | None,
    address: str,
    device: str | None = None,
) -> SignedIn:
    """
    Sign somebody in with a password; ``label`` is what the browser says of itself.

    ``device`` is the proof that it kept of an earlier sign-in, if it has one.

    Raises:
        InvalidInput: that is no e-mail address.
        TooManyRequests: it was tried too often, from this network address or for this account.
        SignInRefused: there is no such account, it is disabled, or the password is another; how
            long it takes does not tell which.
    """
    email = email_of(email)
    await admit_address(desk, address=address)
    known = None if device is None else known_by(await _find(desk, email), device)
    await admit_account(desk, email=email, address=address, device=known)
    password = password_of(password[: PASSWORD_LENGTH_MOST + 1])
    person = await _find(desk, email)
    right = await desk.passwords.verify(password, None if person is None else person.password)
    if person is None or not right or person.disabled_at is not None:
        raise SignInRefused
    better = None
    if desk.passwords.is_outdated(person.password):
        better = await desk.passwords.hash(password)
    async with desk.minding(known_as(person)) as work:
        if await work.people.get(person.tenant, person.id) != person:
            raise SignInRefused  # disabled, or given another password, at this very moment
        if better is not None:
            await work.people.change_password(person.tenant, person.id, hashed=better)
            person = replace(person, password=better)
        begun = await begin_sign_in(
            work, person, kind=SignInKind.BROWSER, label=label, scopes=person.scopes
        )
    return replace(begun, device=proof_for(person, device))


async def _find(desk: Desk, email: str) -> Person | None:
    async with desk.units.begin_reading() as unit:
        return await unit.people.find(email)


async def begin_sign_in(
    work: Changing, person: Person, *, kind: SignInKind, label: str | None, scopes: frozenset[Scope]
) -> SignedIn:
    """Keep that a person is signed in, and what expired long ago no more."""
    token = f"{TOKEN_BEGINNING}{secrets.token_urlsafe(_RANDOM_BYTES)}"
    begun = _begun(person, token, work.now, kind=kind, label=label_of(label), scopes=scopes)
    await work.sign_ins.prune(before=work.now - _KEPT_AFTER)
    await work.sign_ins.add(begun)
    await note(work, Deed.SIGN_IN, begun)
    return SignedIn(sign_in=begun, person=person, token=token)


def known_as(person: Person) -> Caller:
    """Return a person as the caller who acts for themselves."""
    return Caller(
        tenant=person.tenant,
        kind=CallerKind.PERSON,
        name=person.email,
        scopes=person.scopes,
        person=person.id,
    )


def _begun(
    person: Person,
    token: str,
    now: datetime,
    *,
    kind: SignInKind,
    label: str,
    scopes: frozenset[Scope],
) -> SignIn:
    return SignIn(
        id=SignInId(new_uuid()),
        tenant=person.tenant,
        person=person.id,
        kind=kind,
        label=label,
        digest=digest_of(token),
        scopes=scopes,
        created_at=now,
        expires_at=now + SIGN_IN_LASTS,
    )
