"""Keeps the keys that requests are signed with."""

from datetime import datetime, timedelta
from typing import Protocol

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.signing import KeyCard, SigningKey, TenantKeys


class SigningKeys(Protocol):
    """
    The signing keys of all tenants; takes part in the caller's unit of work.

    Promises:

    - A tenant has one newest key at most, and beside it one that is on its way out.
    - What is kept does not tell a key to whoever reads the store alone, as far as the store can
      encrypt; where it should and cannot, nothing is kept.
    """

    async def add(self, keys: TenantKeys) -> None:
        """
        Keep a tenant's first key.

        Raises:
            SigningKeyPresent: it has one. What the unit wrote besides is kept.
            SecretsUnavailable: the store cannot encrypt it.
        """
        ...

    async def card(self, tenant: TenantId) -> KeyCard | None:
        """Return what may be read of a tenant's keys, also where they cannot be; None: no key."""
        ...

    async def find(self, tenant: TenantId) -> TenantKeys | None:
        """
        Return a tenant's keys, for whoever signs; None: it has none.

        Raises:
            SecretsUnavailable: they cannot be decrypted.
        """
        ...

    async def rotate(
        self, tenant: TenantId, key: SigningKey, *, now: datetime, overlap: timedelta
    ) -> KeyCard:
        """
        Put a new key before the newest, see ``TenantKeys.rotated``, and return how they were.

        Of rotations at once each comes after the other.

        Raises:
            NotFound: the tenant has no key.
            SecretsUnavailable: the store cannot encrypt it. That it cannot decrypt the one there is
                is no hindrance.
        """
        ...
