"""
Remembers for a moment what proved who somebody is, so that not each request is looked up.

What is ended has to prove nothing at once. So whatever a desk changes ends all that it remembers,
and what other processes change holds here when the moment is over.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.api_key import ApiKey, KeyDigest
from cronicorn_domain.model.person import Person
from cronicorn_domain.model.sign_in import SignIn

KNOWN_FOR: Final = timedelta(seconds=1)
"""So long a proof is believed that was not looked up; equal is over."""
KNOWN_MOST: Final = 10_000
"""So many proofs of a kind a process remembers; it forgets first what was not used for longest."""

ProofT = TypeVar("ProofT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """When a proof was looked up, and after how many changes."""

    at: datetime
    changes: int


class Recollection(Generic[ProofT]):
    """Proofs of one kind, by their hashes; what proves nothing is not remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[datetime, ProofT]] = OrderedDict()
        self._changes = 0

    def find(self, digest: KeyDigest, *, now: datetime) -> ProofT | None:
        """
        Return a proof that was looked up a moment ago; whether it has expired, it does not say.

        A hash is looked for here alone, and is no secret: how long it takes tells nothing of one.
        """
        at, proof = self._known.get(digest.sha256, (None, None))
        if at is None or not NO_TIME <= now - at < KNOWN_FOR:
            return None
        self._known.move_to_end(digest.sha256)
        return proof

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


@dataclass(frozen=True, slots=True)
class Recognitions:
    """What a desk remembers: keys, and sign-ins with the persons who they are of."""

    keys: Recollection[ApiKey] = field(default_factory=Recollection[ApiKey])
    sign_ins: Recollection[tuple[SignIn, Person]] = field(
        default_factory=Recollection[tuple[SignIn, Person]]
    )

    def forget(self) -> None:
        """Look everything up anew."""
        self.keys.forget()
        self.sign_ins.forget()
