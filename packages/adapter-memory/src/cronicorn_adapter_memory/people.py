"""People in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.errors import AlreadyFounded, EmailTaken, NotFound
from cronicorn_domain.identity import PersonId, TenantId
from cronicorn_domain.model.person import Person

from cronicorn_adapter_memory.tables import Tables
from cronicorn_adapter_memory.transaction import Transaction


class MemoryPeople:
    """Who may sign in, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, person: Person) -> None:
        """Keep a new person."""
        people = (await self._transaction.write()).people
        if any(each.email == person.email for each in people.values()):
            raise EmailTaken(person.email)
        if person.owner and any(each.owner for each in people.values()):
            raise AlreadyFounded
        people[person.id] = person

    async def find(self, email: str) -> Person | None:
        """Return who has this address, of whatever tenant."""
        people = self._transaction.read().people.values()
        return next((each for each in people if each.email == email), None)

    async def get(self, tenant: TenantId, person_id: PersonId) -> Person:
        """Return a person."""
        return _person(self._transaction.read(), tenant, person_id)

    async def list_people(
        self, tenant: TenantId, *, limit: int = 100, after: PersonId | None = None
    ) -> Sequence[Person]:
        """Return people in the order of their ids."""
        people = self._transaction.read().people.values()
        chosen = (
            each for each in people if each.tenant == tenant and (after is None or each.id > after)
        )
        return sorted(chosen, key=lambda each: each.id)[:limit]

    async def has_owner(self) -> bool:
        """Say whether the installation has an owner."""
        return any(each.owner for each in self._transaction.read().people.values())

    async def change_password(self, tenant: TenantId, person_id: PersonId, *, hashed: str) -> None:
        """Keep another hash."""
        tables = await self._transaction.write()
        person = _person(tables, tenant, person_id)
        tables.people[person_id] = replace(person, password=hashed)

    async def disable(self, tenant: TenantId, person_id: PersonId, *, now: datetime) -> Person:
        """Disable somebody, and return them as they were."""
        tables = await self._transaction.write()
        person = _person(tables, tenant, person_id)
        if person.disabled_at is None:
            tables.people[person_id] = replace(person, disabled_at=now)
        return person

    async def enable(self, tenant: TenantId, person_id: PersonId) -> Person:
        """Let somebody in again, and return them as they were."""
        tables = await self._transaction.write()
        person = _person(tables, tenant, person_id)
        tables.people[person_id] = replace(person, disabled_at=None)
        return person


def _person(tables: Tables, tenant: TenantId, person_id: PersonId) -> Person:
    person = tables.people.get(person_id)
    if person is None or person.tenant != tenant:
        raise NotFound("person", person_id)
    return person
