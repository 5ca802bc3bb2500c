"""Recognizes people by the token of their sign-in."""

from dataclasses import dataclass, replace
from datetime import datetime

from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import KeyDigest, digest_of
from cronicorn_domain.model.person import Person
from cronicorn_domain.model.sign_in import SignIn, SignInKind

from cronicorn_management.accounts.recognizing import use_is_news
from cronicorn_management.caller import Caller, CallerKind
from cronicorn_management.desk import Desk
from cronicorn_management.sign_ins.beginning import known_as

_KINDS = {SignInKind.BROWSER: CallerKind.PERSON, SignInKind.DEVICE: CallerKind.DEVICE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognized:
    """Whose token it is, and by which sign-in."""

    sign_in: SignIn
    person: Person

    @property
    def caller(self) -> Caller:
        """Who asks: they may what the sign-in may, and the person still may."""
        return replace(
            known_as(self.person),
            kind=_KINDS[self.sign_in.kind],
            scopes=self.sign_in.scopes & self.person.scopes,
            sign_in=self.sign_in.id,
        )


async def recognize_sign_in(desk: Desk, token: str) -> Recognized | None:
    """
    Return whose token it is; None if it has expired or ended, or the person is disabled.

    What was found is believed for a moment (``recognitions``).

    Raises ``StoreUnavailable``, which says nothing about the token.
    """
    now, digest = floor_millisecond(desk.clock.now()), digest_of(token)
    known = desk.recognitions.sign_ins.find(digest, now=now)
    if known is None:
        lookup = desk.recognitions.sign_ins.begin(now=now)
        known = await _look_up(desk, digest, now)
        if known is None:
            return None
        desk.recognitions.sign_ins.keep(digest, known, lookup)
    found, person = known
    return Recognized(sign_in=found, person=person) if found.holds(now) else None


async def _look_up(desk: Desk, digest: KeyDigest, now: datetime) -> tuple[SignIn, Person] | None:
    async with desk.units.begin() as unit:
        found = await unit.sign_ins.find(digest)
        if found is None or not found.holds(now):
            return None
        person = await unit.people.get(found.tenant, found.person)
        if person.disabled_at is not None:
            return None
        if use_is_news(found.last_used_at, now):
            await unit.sign_ins.note_use(found.id, now=now)
            await unit.commit()
    return found, person
