"""Make the first key that a tenant's requests are signed with."""

import secrets

from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.signing import KEY_BYTES, SigningKey, TenantKeys, signing_key_of

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def make_signing_key(work: Changing) -> SigningKey:
    """
    Make the key, and return it: this once it is seen whole.

    Raises:
        NotAllowed: the caller is no administrator.
        SigningKeyPresent: there is one; it can be rotated.
        SecretsUnavailable: it cannot be kept encrypted.
    """
    work.caller.check(Scope.ADMIN)
    key = new_signing_key()
    keys = TenantKeys(tenant=work.tenant, current=key, created_at=work.now)
    await work.signing_keys.add(keys)
    await note(work, Deed.ISSUE, keys.card)
    return key


def new_signing_key() -> SigningKey:
    """Make a key that nobody can guess."""
    return signing_key_of(secrets.token_bytes(KEY_BYTES))
