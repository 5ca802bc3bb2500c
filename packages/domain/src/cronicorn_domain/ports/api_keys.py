"""Keeps API keys: what is left of them once they were shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import ApiKeyId, PersonId, TenantId
from cronicorn_domain.model.api_key import ApiKey, KeyDigest


class ApiKeys(Protocol):
    """
    The keys of all tenants; takes part in the caller's unit of work.

    Promises:

    - What is kept does not tell the key.
    - Another tenant's key is ``NotFound``, as is a revoked one; only ``find`` knows of both.
    """

    async def add(self, key: ApiKey) -> None:
        """Keep a new key. Raises ``SecretTaken`` if any tenant has one of this hash."""
        ...

    async def find(self, digest: KeyDigest) -> ApiKey | None:
        """
        Return the key of this hash, whoever's it is, expired and revoked ones too; None: no key.

        How long it takes tells nothing about the hash of another key that begins alike.
        """
        ...

    async def list_keys(
        self, tenant: TenantId, *, limit: int = 100, after: ApiKeyId | None = None
    ) -> Sequence[ApiKey]:
        """Return keys that are not revoked in the order of their ids, those behind ``after``."""
        ...

    async def revoke(self, tenant: TenantId, key_id: ApiKeyId, *, now: datetime) -> ApiKey:
        """End a key for good, and return it as it was. Raises ``NotFound``."""
        ...

    async def revoke_issued_by(self, tenant: TenantId, person: PersonId, *, now: datetime) -> int:
        """End every key that the person has issued, and return how many that were."""
        ...

    async def rename(self, tenant: TenantId, key_id: ApiKeyId, *, name: str) -> ApiKey:
        """Call a key otherwise, and return it as it was. Raises ``NotFound``."""
        ...

    async def note_use(self, key_id: ApiKeyId, *, now: datetime) -> None:
        """Keep when a key was used last; an earlier instant, or a key that is gone, is no fault."""
        ...
