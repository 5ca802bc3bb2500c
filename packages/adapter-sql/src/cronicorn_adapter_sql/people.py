"""People on SQL."""

from collections.abc import Sequence
from datetime import datetime

from cronicorn_domain.errors import AlreadyFounded, EmailTaken, NotFound
from cronicorn_domain.identity import PersonId, TenantId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.person import Person
from sqlalchemy import and_, exists, insert, select, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.tables import people
from cronicorn_adapter_sql.transaction import Transaction

_COLUMNS = people.c


class SqlPeople:
    """Who may sign in, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, person: Person) -> None:
        """Keep a new person; one who is there already does not spoil what the unit wrote."""
        connection = await self._transaction.begin_writing()
        taken = {
            "uq_people_email": EmailTaken(person.email),
            "uq_people_owner": AlreadyFounded(),
        }
        with translated(taken):
            async with connection.begin_nested():
                await connection.execute(insert(people).values(_values(person)))

    async def find(self, email: str) -> Person | None:
        """Return who has this address, of whatever tenant."""
        statement = select(people).where(_COLUMNS.email == email)
        with translated():
            row = (await self._transaction.connection.execute(statement)).mappings().one_or_none()
        return None if row is None else _person(row)

    async def get(self, tenant: TenantId, person_id: PersonId) -> Person:
        """Return a person."""
        statement = select(people).where(_COLUMNS.id == person_id, _COLUMNS.tenant == tenant)
        with translated():
            row = (await self._transaction.connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise NotFound("person", person_id)
        return _person(row)

    async def list_people(
        self, tenant: TenantId, *, limit: int = 100, after: PersonId | None = None
    ) -> Sequence[Person]:
        """Return people in the order of their ids."""
        statement = select(people).where(_COLUMNS.tenant == tenant)
        if after is not None:
            statement = statement.where(_COLUMNS.id > after)
        ordered = statement.order_by(_COLUMNS.id).limit(limit)
        with translated():
            rows = (await self._transaction.connection.execute(ordered)).mappings().all()
        return [_person(row) for row in rows]

    async def has_owner(self) -> bool:
        """Say whether the installation has an owner."""
        statement = select(exists().where(_COLUMNS.owner.is_(True)))
        with translated():
            return bool((await self._transaction.connection.execute(statement)).scalar_one())

    async def change_password(self, tenant: TenantId, person_id: PersonId, *, hashed: str) -> None:
        """Keep another hash."""
        connection = await self._transaction.begin_writing()
        statement = (
            update(people)
            .where(_COLUMNS.id == person_id, _COLUMNS.tenant == tenant)
            .values(password=hashed)
        )
        with translated():
            changed = await connection.execute(statement)
        if not changed.rowcount:
            raise NotFound("person", person_id)

    async def disable(self, tenant: TenantId, person_id: PersonId, *, now: datetime) -> Person:
        """Disable somebody, and return them as they were."""
        person = await self._locked(tenant, person_id)
        if person.disabled_at is None:
            await self._set_disabled(person_id, now)
        return person

    async def enable(self, tenant: TenantId, person_id: PersonId) -> Person:
        """Let somebody in again, and return them as they were."""
        person = await self._locked(tenant, person_id)
        await self._set_disabled(person_id, None)
        return person

    async def _locked(self, tenant: TenantId, person_id: PersonId) -> Person:
        connection = await self._transaction.begin_writing()
        meant = and_(_COLUMNS.id == person_id, _COLUMNS.tenant == tenant)
        with translated():
            found = await connection.execute(select(people).where(meant).with_for_update())
            row = found.mappings().one_or_none()
        if row is None:
            raise NotFound("person", person_id)
        return _person(row)

    async def _set_disabled(self, person_id: PersonId, disabled_at: datetime | None) -> None:
        statement = update(people).where(_COLUMNS.id == person_id)
        with translated():
            await self._transaction.connection.execute(statement.values(disabled_at=disabled_at))


def _values(person: Person) -> Values:
    return {
        "id": person.id,
        "tenant": person.tenant,
        "email": person.email,
        "name": person.name,
        "password": person.password,
        "scopes": " ".join(sorted(person.scopes)),
        "owner": person.owner,
        "created_at": person.created_at,
        "disabled_at": person.disabled_at,
    }


def _person(row: Columns) -> Person:
    return Person(
        id=PersonId(row["id"]),
        tenant=TenantId(row["tenant"]),
        email=row["email"],
        name=row["name"],
        password=row["password"],
        scopes=frozenset(map(Scope, row["scopes"].split())),
        owner=row["owner"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
    )
