"""Issue an API key."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cronicorn_domain.identity import ApiKeyId, new_uuid
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.api_key import ApiKey, Scope, check_secret, digest_of
from cronicorn_domain.model.audit import FieldChange

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note

_BEGINNING: Final = "cc_"
_RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key and its secret, which is shown this once."""

    key: ApiKey
    secret: str = field(repr=False)


async def issue_key(
    work: Changing,
    *,
    name: str,
    scopes: frozenset[Scope],
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> IssuedKey:
    """
    Issue a key for a program; ``secret`` is one that is known elsewhere already.

    Raises:
        NotAllowed: the caller is no administrator, or may not itself what the key would.
        InvalidInput: it cannot be as it is given.
        SecretTaken: there is a key with this secret.
    """
    for scope in (Scope.ADMIN, *sorted(scopes)):
        work.caller.check(scope)
    if secret is None:
        secret = f"{_BEGINNING}{secrets.token_urlsafe(_RANDOM_BYTES)}"
    check_secret(secret)
    key = ApiKey(
        id=ApiKeyId(new_uuid()),
        tenant=work.tenant,
        name=name,
        digest=digest_of(secret),
        scopes=scopes,
        created_at=work.now,
        expires_at=expires_at,
        issued_by=work.caller.person,
    )
    await work.keys.add(key)
    await note(work, Deed.ISSUE, key, _told(key))
    return IssuedKey(key=key, secret=secret)


def _told(key: ApiKey) -> list[FieldChange]:
    told = {"name": key.name, "scopes": " ".join(sorted(key.scopes))}
    if key.expires_at is not None:
        told["expires_at"] = iso_milliseconds(key.expires_at)
    return [FieldChange(field=each, before=None, after=told[each]) for each in sorted(told)]
