"""Recognizes programs by their keys."""

from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import digest_of

from cronicorn_management.caller import Caller, CallerKind
from cronicorn_management.desk import Desk

USE_KNOWN_TO: Final = timedelta(minutes=1)
"""How well the last use of a key is known: a write for every request would cost more than it."""


async def recognize_key(desk: Desk, secret: str) -> Caller | None:
    """
    Return whose key it is; None if there is no such key, or it is expired or revoked.

    A key whose issuer is disabled proves nothing, whenever it was issued.

    Raises ``StoreUnavailable``, which says nothing about the key.
    """
    now = floor_millisecond(desk.clock.now())
    async with desk.units.begin() as unit:
        key = await unit.keys.find(digest_of(secret))
        if key is None or not key.holds(now):
            return None
        if key.issued_by is not None:
            issuer = await unit.people.get(key.tenant, key.issued_by)
            if issuer.disabled_at is not None:
                return None
        if use_is_news(key.last_used_at, now):
            await unit.keys.note_use(key.id, now=now)
            await unit.commit()
    return Caller(
        tenant=key.tenant,
        kind=CallerKind.KEY,
        name=key.name,
        scopes=key.scopes,
        person=key.issued_by,
    )


def use_is_news(last: datetime | None, now: datetime) -> bool:
    """Say whether a use is worth a write."""
    return last is None or now - last >= USE_KNOWN_TO
