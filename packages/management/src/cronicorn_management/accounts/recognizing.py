"""Recognizes callers by what they present."""

from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import ApiKey, digest_of

from cronicorn_management.caller import Caller, CallerKind
from cronicorn_management.desk import Desk

USE_KNOWN_TO: Final = timedelta(minutes=1)
"""How well the last use of a key is known: a write for every request would cost more than it."""


async def recognize_key(desk: Desk, secret: str) -> Caller | None:
    """
    Return whose key it is; None if there is no such key, or it is expired or revoked.

    Raises ``StoreUnavailable``, which says nothing about the key.
    """
    now = floor_millisecond(desk.clock.now())
    async with desk.units.begin() as unit:
        key = await unit.keys.find(digest_of(secret))
        if key is None or not key.holds(now):
            return None
        if _use_is_news(key, now):
            await unit.keys.note_use(key.id, now=now)
            await unit.commit()
    return Caller(tenant=key.tenant, kind=CallerKind.KEY, name=key.name, scopes=key.scopes)


def _use_is_news(key: ApiKey, now: datetime) -> bool:
    return key.last_used_at is None or now - key.last_used_at >= USE_KNOWN_TO
