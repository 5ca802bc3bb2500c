"""API keys in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.errors import NotFound, SecretTaken
from cronicorn_domain.identity import ApiKeyId, PersonId, TenantId
from cronicorn_domain.model.api_key import ApiKey, KeyDigest

from cronicorn_adapter_memory.transaction import Transaction


class MemoryApiKeys:
    """By what programs prove themselves, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        keys = (await self._transaction.write()).keys
        if any(each.digest.is_same(key.digest) for each in keys.values()):
            raise SecretTaken
        keys[key.id] = key

    async def find(self, digest: KeyDigest) -> ApiKey | None:
        """Return the key of this hash, whoever's it is."""
        keys = self._transaction.read().keys.values()
        return next((each for each in keys if each.digest.is_same(digest)), None)

    async def list_keys(
        self, tenant: TenantId, *, limit: int = 100, after: ApiKeyId | None = None
    ) -> Sequence[ApiKey]:
        """Return keys that are not revoked in the order of their ids."""
        chosen = (
            key
            for key in self._transaction.read().keys.values()
            if key.tenant == tenant and key.revoked_at is None and (after is None or key.id > after)
        )
        return sorted(chosen, key=lambda each: each.id)[:limit]

    async def revoke(self, tenant: TenantId, key_id: ApiKeyId, *, now: datetime) -> ApiKey:
        """End a key for good, and return it as it was."""
        return await self._change(tenant, key_id, lambda key: replace(key, revoked_at=now))

    async def revoke_issued_by(self, tenant: TenantId, person: PersonId, *, now: datetime) -> int:
        """End every key that the person has issued."""
        keys = (await self._transaction.write()).keys
        held = [
            each
            for each in keys.values()
            if (each.tenant, each.issued_by, each.revoked_at) == (tenant, person, None)
        ]
        keys.update({each.id: replace(each, revoked_at=now) for each in held})
        return len(held)

    async def rename(self, tenant: TenantId, key_id: ApiKeyId, *, name: str) -> ApiKey:
        """Call a key otherwise, and return it as it was."""
        return await self._change(tenant, key_id, lambda key: replace(key, name=name))

    async def note_use(self, key_id: ApiKeyId, *, now: datetime) -> None:
        """Keep when a key was used last."""
        keys = (await self._transaction.write()).keys
        key = keys.get(key_id)
        if key is not None and (key.last_used_at is None or key.last_used_at < now):
            keys[key_id] = replace(key, last_used_at=now)

    async def _change(
        self, tenant: TenantId, key_id: ApiKeyId, changed: Callable[[ApiKey], ApiKey]
    ) -> ApiKey:
        keys = (await self._transaction.write()).keys
        key = keys.get(key_id)
        if key is None or key.tenant != tenant or key.revoked_at is not None:
            raise NotFound("API key", key_id)
        keys[key_id] = changed(key)
        return key
