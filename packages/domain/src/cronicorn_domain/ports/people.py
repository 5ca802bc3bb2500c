"""Keeps people: who may sign in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import PersonId, TenantId
from cronicorn_domain.model.person import Person


class People(Protocol):
    """
    The people of all tenants; takes part in the caller's unit of work.

    Promises:

    - Nobody is ever removed: the audit and their keys name them.
    - Another tenant's person is ``NotFound``; only ``find`` knows of all.
    """

    async def add(self, person: Person) -> None:
        """
        Keep a new person; a refusal leaves what the unit wrote besides as it is.

        Raises:
            EmailTaken: somebody, of whatever tenant, has this e-mail address.
            AlreadyFounded: this is to be the owner, and there is one.
        """
        ...

    async def find(self, email: str) -> Person | None:
        """Return who has this address, of whatever tenant, disabled people too; None: nobody."""
        ...

    async def get(self, tenant: TenantId, person_id: PersonId) -> Person:
        """Return a person, disabled ones too. Raises ``NotFound``."""
        ...

    async def list_people(
        self, tenant: TenantId, *, limit: int = 100, after: PersonId | None = None
    ) -> Sequence[Person]:
        """Return people in the order of their ids, disabled ones too, those behind ``after``."""
        ...

    async def has_owner(self) -> bool:
        """Say whether the installation has an owner."""
        ...

    async def change_password(self, tenant: TenantId, person_id: PersonId, *, hashed: str) -> None:
        """Keep another hash. Raises ``NotFound``."""
        ...

    async def disable(self, tenant: TenantId, person_id: PersonId, *, now: datetime) -> Person:
        """
        Disable somebody, and return them as they were; once more, it stays at the first instant.

        Raises ``NotFound``.
        """
        ...

    async def enable(self, tenant: TenantId, person_id: PersonId) -> Person:
        """Let somebody in again, and return them as they were. Raises ``NotFound``."""
        ...
