"""A device asks to be let in; it is told two codes, one to ask by and one for a person."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import DeviceGrantId, new_uuid
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import Scope, digest_of
from cronicorn_domain.model.device_grant import (
    DEVICE_GRANT_LASTS,
    USER_CODE_LENGTH,
    USER_CODE_LETTERS,
    DeviceGrant,
    hash_of_user_code,
    shown_user_code,
)
from cronicorn_domain.model.sign_in import label_of

from cronicorn_management.desk import Desk
from cronicorn_management.sign_ins.throttling import admit_device

_BEGINNING: Final = "dc_"
_RANDOM_BYTES: Final = 32
_TRIES: Final = 5
_USUAL: Final = frozenset({Scope.READ, Scope.WRITE})
_KEPT_AFTER: Final = timedelta(minutes=30)
"""So long what has expired is kept, so that a device is told that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedGrant:
    """A grant and its codes, which are told this once."""

    grant: DeviceGrant
    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


async def ask_for_grant(desk: Desk, *, client: str, scope: str | None, address: str) -> AskedGrant:
    """
    Keep that a device asks; of the scopes that it names those count that there are.

    Naming none of them it asks to read and write.

    Raises ``TooManyRequests``: from this network address too many asked; ``StoreUnavailable``.
    """
    await admit_device(desk, address=address)
    now = floor_millisecond(desk.clock.now())
    named = frozenset(each for each in Scope if each in (scope or "").split())
    for _ in range(_TRIES):
        device_code = f"{_BEGINNING}{secrets.token_urlsafe(_RANDOM_BYTES)}"
        user_code = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(USER_CODE_LENGTH))
        grant = DeviceGrant(
            id=DeviceGrantId(new_uuid()),
            device=digest_of(device_code),
            user_code=hash_of_user_code(user_code),
            client=label_of(client),
            scopes=named or _USUAL,
            created_at=now,
            expires_at=now + DEVICE_GRANT_LASTS,
        )
        async with desk.units.begin() as unit:
            await unit.device_grants.prune(before=now - _KEPT_AFTER)
            kept = await unit.device_grants.add(grant)
            await unit.commit()
        if kept:
            shown = shown_user_code(user_code)
            return AskedGrant(grant=grant, device_code=device_code, user_code=shown)
    raise StoreUnavailable("no code was free for the device; try again")
