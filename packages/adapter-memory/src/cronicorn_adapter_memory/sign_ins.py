"""Sign-in sessions in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import PersonId, SignInId, TenantId
from cronicorn_domain.model.api_key import KeyDigest
from cronicorn_domain.model.sign_in import SignIn

from cronicorn_adapter_memory.transaction import Transaction


class MemorySignIns:
    """Who is signed in, and where, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, sign_in: SignIn) -> None:
        """Keep a new one."""
        (await self._transaction.write()).sign_ins[sign_in.id] = sign_in

    async def find(self, digest: KeyDigest) -> SignIn | None:
        """Return the one of this hash, whoever's it is."""
        kept = self._transaction.read().sign_ins.values()
        return next((each for each in kept if each.digest.is_same(digest)), None)

    async def list_sign_ins(
        self,
        tenant: TenantId,
        *,
        now: datetime,
        person: PersonId | None = None,
        limit: int = 100,
        after: SignInId | None = None,
    ) -> Sequence[SignIn]:
        """Return those that have not expired in the order of their ids."""
        chosen = (
            each
            for each in self._transaction.read().sign_ins.values()
            if each.tenant == tenant
            and each.holds(now)
            and person in {None, each.person}
            and (after is None or each.id > after)
        )
        return sorted(chosen, key=lambda each: each.id)[:limit]

    async def end(
        self, tenant: TenantId, sign_in_id: SignInId, *, person: PersonId | None = None
    ) -> SignIn:
        """End one, and return it."""
        kept = (await self._transaction.write()).sign_ins
        found = kept.get(sign_in_id)
        if found is None or found.tenant != tenant or person not in {None, found.person}:
            raise NotFound("sign-in", sign_in_id)
        del kept[sign_in_id]
        return found

    async def end_all(
        self, tenant: TenantId, person: PersonId, *, but: SignInId | None = None
    ) -> int:
        """End every one of a person, but for the one that is named."""
        kept = (await self._transaction.write()).sign_ins
        held = [
            each.id
            for each in kept.values()
            if (each.tenant, each.person) == (tenant, person) and each.id != but
        ]
        for each in held:
            del kept[each]
        return len(held)

    async def note_use(self, sign_in_id: SignInId, *, now: datetime) -> None:
        """Keep when it was used last."""
        kept = (await self._transaction.write()).sign_ins
        found = kept.get(sign_in_id)
        if found is not None and (found.last_used_at is None or found.last_used_at < now):
            kept[sign_in_id] = replace(found, last_used_at=now)

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete some that expired before an instant."""
        kept = (await self._transaction.write()).sign_ins
        old = [each.id for each in kept.values() if each.expires_at < before][:limit]
        for each in old:
            del kept[each]
        return len(old)
