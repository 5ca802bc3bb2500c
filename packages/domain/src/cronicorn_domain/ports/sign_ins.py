"""Keeps who is signed in, and where: what is left of tokens once they were shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import PersonId, SignInId, TenantId
from cronicorn_domain.model.api_key import KeyDigest
from cronicorn_domain.model.sign_in import SignIn


class SignIns(Protocol):
    """
    The sign-in sessions of all tenants; takes part in the caller's unit of work.

    Promises:

    - What is kept does not tell the token.
    - What has ended is gone: nothing finds it, and it proves nothing.
    """

    async def add(self, sign_in: SignIn) -> None:
        """Keep a new one."""
        ...

    async def find(self, digest: KeyDigest) -> SignIn | None:
        """
        Return the one of this hash, whoever's it is, expired ones too; None: there is none.

        How long it takes tells nothing about the hash of another token that begins alike.
        """
        ...

    async def list_sign_ins(
        self,
        tenant: TenantId,
        *,
        now: datetime,
        person: PersonId | None = None,
        limit: int = 100,
        after: SignInId | None = None,
    ) -> Sequence[SignIn]:
        """Return those that have not expired in the order of their ids; of all, or of a person."""
        ...

    async def end(
        self, tenant: TenantId, sign_in_id: SignInId, *, person: PersonId | None = None
    ) -> SignIn:
        """End one, of whomever or of this person, and return it. Raises ``NotFound``."""
        ...

    async def end_all(
        self, tenant: TenantId, person: PersonId, *, but: SignInId | None = None
    ) -> int:
        """End every one of a person, but for the one that is named, and return how many."""
        ...

    async def note_use(self, sign_in_id: SignInId, *, now: datetime) -> None:
        """Keep when it was used last; an earlier instant, or one that is gone, is no fault."""
        ...

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete some that expired before an instant, and return how many; none is left: 0."""
        ...
