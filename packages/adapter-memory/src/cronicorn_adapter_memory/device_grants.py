"""Device grants in memory."""

from datetime import datetime

from cronicorn_domain.identity import DeviceGrantId
from cronicorn_domain.model.api_key import KeyDigest
from cronicorn_domain.model.device_grant import DeviceGrant

from cronicorn_adapter_memory.transaction import Transaction


class MemoryDeviceGrants:
    """Which devices wait to be let in, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, grant: DeviceGrant) -> bool:
        """Keep a new one, and say so."""
        grants = (await self._transaction.write()).device_grants
        if any(each.user_code == grant.user_code for each in grants.values()):
            return False
        grants[grant.id] = grant
        return True

    async def of_device(self, digest: KeyDigest) -> DeviceGrant | None:
        """Return the one by whose code the device asks."""
        grants = (await self._transaction.write()).device_grants.values()
        return next((each for each in grants if each.device.is_same(digest)), None)

    async def of_user_code(self, hashed: str) -> DeviceGrant | None:
        """Return the one of the code that people type."""
        grants = (await self._transaction.write()).device_grants.values()
        return next((each for each in grants if each.user_code == hashed), None)

    async def change(self, grant: DeviceGrant) -> None:
        """Keep what has become of one."""
        (await self._transaction.write()).device_grants[grant.id] = grant

    async def remove(self, grant_id: DeviceGrantId) -> None:
        """Delete one."""
        (await self._transaction.write()).device_grants.pop(grant_id, None)

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete some that expired before an instant."""
        grants = (await self._transaction.write()).device_grants
        old = [each.id for each in grants.values() if each.expires_at < before][:limit]
        for each in old:
            del grants[each]
        return len(old)
