"""Recognizes programs by their keys."""

from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import ApiKey, KeyDigest, digest_of

from cronicorn_management.caller import Caller, CallerKind
from cronicorn_management.desk import Desk

USE_KNOWN_TO: Final = timedelta(minutes=1)
"""How well the last use of a key is known: a write for every request would cost more than it."""


async def recognize_key(desk: Desk, secret: str) -> Caller | None:
    """
    Return whose key it is; None if there is no such key, or it is expired or revoked.

    A key whose issuer is disabled proves nothing, whenever it was issued. What was found is
    believed for a moment (``recognitions``).

    Raises ``StoreUnavailable``, which says nothing about the key.
    """
    now, digest = floor_millisecond(desk.clock.now()), digest_of(secret)
    key = desk.recognitions.keys.find(digest, now=now)
    if key is None:
        lookup = desk.recognitions.keys.begin(now=now)
        key = await _look_up(desk, digest, now)
        if key is None:
            return None
        desk.recognitions.keys.keep(digest, key, lookup)
    if not key.holds(now):
        return None
    return Caller(
        tenant=key.tenant,
        kind=CallerKind.KEY,
        name=key.name,
        scopes=key.scopes,
        person=key.issued_by,
    )


async def _look_up(desk: Desk, digest: KeyDigest, now: datetime) -> ApiKey | None:
    async with desk.units.begin() as unit:
        key = await unit.keys.find(digest)
        if key is None or not key.holds(now):
            return None
        if key.issued_by is not None:
            issuer = await unit.people.get(key.tenant, key.issued_by)
            if issuer.disabled_at is not None:
                return None
        if use_is_news(key.last_used_at, now):
            await unit.keys.note_use(key.id, now=now)
            await unit.commit()
    return key


def use_is_news(last: datetime | None, now: datetime) -> bool:
    """Say whether a use is worth a write."""
    return last is None or now - last >= USE_KNOWN_TO
