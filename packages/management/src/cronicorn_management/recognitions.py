"""
Remembers for a moment what proved who somebody is, so that not each request is looked up.

What is ended has to prove nothing at once. So whatever a desk changes ends all that it remembers,
and what other processes change holds here when the moment is over. While a tenant is watched the
moment lasts longer: whoever watches sees what is done to keys, persons and sign-ins, and says so.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from cronicorn_domain.identity import TenantId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.api_key import ApiKey, KeyDigest
from cronicorn_domain.model.person import Person
from cronicorn_domain.model.sign_in import SignIn

KNOWN_FOR: Final = timedelta(seconds=1)
"""So long a proof is believed that was not looked up; equal is over."""
VOUCHED_FOR: Final = timedelta(minutes=10)
"""So long at most one is believed of whose tenant it is known that nothing was done to any."""
KNOWN_MOST: Final = 10_000
"""So many proofs of a kind a process remembers; it forgets first what was not used for longest."""

ProofT = TypeVar("ProofT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """When a proof was looked up, and after how many changes."""

    at: datetime
    changes: int


class Vouching:
    """Until when it holds that nothing was done to a tenant's proofs since they were looked up."""

    def __init__(self) -> None:
        self._until: dict[TenantId, datetime] = {}

    def vouch(self, tenant: TenantId, *, until: datetime) -> None:
        """Let a tenant's proofs be believed until then, unless somebody says otherwise."""
        self._until[tenant] = until

    def end(self, tenant: TenantId) -> None:
        """Vouch for a tenant's no more."""
        self._until.pop(tenant, None)

    def holds(self, tenant: TenantId, now: datetime) -> bool:
        """Say whether a tenant's are vouched for; equal is over."""
        until = self._until.get(tenant)
        return until is not None and now < until


class Recollection(Generic[ProofT]):
    """Proofs of one kind, by their hashes; what proves nothing is not remembered."""

    def __init__(self, tenant_of: Callable[[ProofT], TenantId], vouching: Vouching) -> None:
        self._tenant_of = tenant_of
        self._vouching = vouching
        self._known: OrderedDict[str, tuple[datetime, ProofT]] = OrderedDict()
        self._changes = 0

    def find(self, digest: KeyDigest, *, now: datetime) -> ProofT | None:
        """
        Return a proof that was looked up a moment ago; whether it has expired, it does not say.

        A hash is looked for here alone, and is no secret: how long it takes tells nothing of one.
        """
        known = self._known.get(digest.sha256)
        if known is None or not self._holds(*known, now=now):
            return None
        self._known.move_to_end(digest.sha256)
        return known[1]

    def _holds(self, at: datetime, proof: ProofT, *, now: datetime) -> bool:
        age = now - at
        if age < KNOWN_FOR:
            return age >= NO_TIME
        return age < VOUCHED_FOR and self._vouching.holds(self._tenant_of(proof), now)

    def begin(self, *, now: datetime) -> Lookup:
        """Begin to look one up."""
        return Lookup(at=now, changes=self._changes)

    def keep(self, digest: KeyDigest, proof: ProofT, lookup: Lookup) -> None:
        """Remember what was found, unless something was changed while it was looked up."""
        if lookup.changes != self._changes:
            return
        self._known[digest.sha256] = (lookup.at, proof)
        self._known.move_to_end(digest.sha256)
        if len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Look everything up anew, also what is being looked up at this moment."""
        self._changes += 1
        self._known.clear()


def _tenant_of_sign_in(proof: tuple[SignIn, Person]) -> TenantId:
    return proof[0].tenant


def _tenant_of_key(proof: ApiKey) -> TenantId:
    return proof.tenant


class Recognitions:
    """What a desk remembers: keys, and sign-ins with the persons who they are of."""

    def __init__(self) -> None:
        self.vouching: Final = Vouching()
        self.keys: Final = Recollection[ApiKey](_tenant_of_key, self.vouching)
        self.sign_ins: Final = Recollection[tuple[SignIn, Person]](
            _tenant_of_sign_in, self.vouching
        )

    def forget(self) -> None:
        """Look everything up anew."""
        self.keys.forget()
        self.sign_ins.forget()
