"""Signing keys in memory, where nobody reads but the process."""

from datetime import datetime, timedelta

from cronicorn_domain.errors import NotFound, SigningKeyPresent
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.signing import KeyCard, SigningKey, TenantKeys

from cronicorn_adapter_memory.transaction import Transaction


class MemorySigningKeys:
    """What requests are signed with, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, keys: TenantKeys) -> None:
        """Keep a tenant's first key."""
        kept = (await self._transaction.write()).signing_keys
        if keys.tenant in kept:
            raise SigningKeyPresent
        kept[keys.tenant] = keys

    async def card(self, tenant: TenantId) -> KeyCard | None:
        """Return what may be read of a tenant's keys."""
        keys = await self.find(tenant)
        return None if keys is None else keys.card

    async def find(self, tenant: TenantId) -> TenantKeys | None:
        """Return a tenant's keys."""
        return self._transaction.read().signing_keys.get(tenant)

    async def rotate(
        self, tenant: TenantId, key: SigningKey, *, now: datetime, overlap: timedelta
    ) -> KeyCard:
        """Put a new key before the newest, and return how they were."""
        kept = (await self._transaction.write()).signing_keys
        keys = kept.get(tenant)
        if keys is None:
            raise NotFound("signing key of tenant", tenant)
        kept[tenant] = keys.rotated(key, now=now, overlap=overlap)
        return keys.card
