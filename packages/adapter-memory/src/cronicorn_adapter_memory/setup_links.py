"""Setup links in memory."""

from datetime import datetime

from cronicorn_domain.model.api_key import KeyDigest
from cronicorn_domain.model.setup_link import SetupLink

from cronicorn_adapter_memory.transaction import Transaction


class MemorySetupLinks:
    """By which links an installation gets its owner, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, link: SetupLink, *, now: datetime) -> None:
        """Keep a new one, and those no more that have expired."""
        links = (await self._transaction.write()).setup_links
        for key in [key for key, each in links.items() if not each.holds(now)]:
            del links[key]
        links[link.digest.sha256] = link

    async def holds(self, digest: KeyDigest, *, now: datetime) -> bool:
        """Say whether there is one of this hash that has not expired."""
        links = self._transaction.read().setup_links.values()
        return any(each.digest.is_same(digest) and each.holds(now) for each in links)

    async def take(self, digest: KeyDigest, *, now: datetime) -> bool:
        """Use one up, and say whether it held."""
        links = (await self._transaction.write()).setup_links
        held = await self.holds(digest, now=now)
        if held:
            del links[digest.sha256]
        return held
