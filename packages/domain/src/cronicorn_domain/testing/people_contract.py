"""People: found by their address, listed and disabled by their tenant."""

from dataclasses import replace

import pytest

from cronicorn_domain.errors import AlreadyFounded, EmailTaken, NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.person import Person
from cronicorn_domain.testing.builders import a_job, a_person, at
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())


class PeopleContract(StoreSuite):
    """What holds for people."""

    async def keep(self, *people: Person) -> None:
        """Keep people, in a unit of their own."""
        async with self.unit() as unit:
            for person in people:
                await unit.people.add(person)

    async def found(self, email: str) -> Person | None:
        """Read who has an address."""
        async with self.unit() as unit:
            return await unit.people.find(email)

    async def test_a_person_is_found_by_the_address(self) -> None:
        """They come back as they were kept, whoever's they are."""
        ada, bob = a_person(), a_person("bob@example.org", tenant=OTHER_TENANT, owner=True)

        await self.keep(ada, bob)

        assert await self.found("ada@example.org") == ada
        assert await self.found("bob@example.org") == bob
        for nobodys in ("", "ada", "ada@example.or", "a%@example.org", "ADA@example.org"):
            assert await self.found(nobodys) is None

    async def test_an_address_is_one_persons(self) -> None:
        """A second one is refused, of another tenant too; the rest of the unit is kept."""
        await self.keep(a_person())

        async with self.unit() as unit:
            await unit.catalog.add_job(a_job())
            with pytest.raises(EmailTaken):
                await unit.people.add(a_person(tenant=OTHER_TENANT))

        async with self.unit() as unit:
            assert len(await unit.catalog.list_jobs(DEFAULT_TENANT)) == 1
            assert await unit.people.list_people(OTHER_TENANT) == []

    async def test_an_installation_has_one_owner(self) -> None:
        """A second one is refused, whoever's they are; before the first there is none."""
        async with self.unit() as unit:
            await unit.people.add(a_person("first@example.org"))
            assert not await unit.people.has_owner()

        await self.keep(a_person(owner=True))

        async with self.unit() as unit:
            assert await unit.people.has_owner()
            with pytest.raises(AlreadyFounded):
                await unit.people.add(a_person("bob@example.org", tenant=OTHER_TENANT, owner=True))
        assert await self.found("bob@example.org") is None

    async def test_people_are_listed_page_by_page(self) -> None:
        """In the order of their ids, and no other tenant's."""
        people = [a_person(f"ada{n}@example.org") for n in range(3)]
        await self.keep(*people, a_person(tenant=OTHER_TENANT))

        async with self.unit() as unit:
            assert await unit.people.list_people(DEFAULT_TENANT, limit=2) == people[:2]
            assert await unit.people.list_people(DEFAULT_TENANT, after=people[1].id) == people[2:]

    async def test_a_disabled_person_is_still_there(self) -> None:
        """They are found and listed with the first instant at which they were disabled."""
        ada = a_person()
        await self.keep(ada)
        disabled = replace(ada, disabled_at=at("12:30:00"))

        async with self.unit() as unit:
            assert await unit.people.disable(DEFAULT_TENANT, ada.id, now=at("12:30:00")) == ada
            assert await unit.people.disable(DEFAULT_TENANT, ada.id, now=at("12:31:00")) == disabled

        async with self.unit() as unit:
            assert await unit.people.find(ada.email) == disabled
            assert await unit.people.list_people(DEFAULT_TENANT) == [disabled]

    async def test_whoever_is_enabled_is_as_before(self) -> None:
        """Once more changes nothing."""
        ada = a_person()
        await self.keep(ada)
        disabled = replace(ada, disabled_at=at("12:30:00"))

        async with self.unit() as unit:
            await unit.people.disable(DEFAULT_TENANT, ada.id, now=at("12:30:00"))
            assert await unit.people.enable(DEFAULT_TENANT, ada.id) == disabled
            assert await unit.people.enable(DEFAULT_TENANT, ada.id) == ada

        assert await self.found(ada.email) == ada

    async def test_a_password_is_changed(self) -> None:
        """The hash is another from then on, and nothing else is."""
        ada = a_person()
        await self.keep(ada)

        async with self.unit() as unit:
            await unit.people.change_password(DEFAULT_TENANT, ada.id, hashed="another")

        assert await self.found(ada.email) == replace(ada, password="another")  # noqa: S106

    async def test_another_tenants_person_does_not_exist(self) -> None:
        """They cannot be read, disabled or given another password, and stay as they are."""
        ada = a_person()
        await self.keep(ada)

        async with self.unit() as unit:
            people = unit.people
            with pytest.raises(NotFound):
                await people.get(OTHER_TENANT, ada.id)
            with pytest.raises(NotFound):
                await people.disable(OTHER_TENANT, ada.id, now=at("12:30:00"))
            with pytest.raises(NotFound):
                await people.enable(OTHER_TENANT, ada.id)
            with pytest.raises(NotFound):
                await people.change_password(OTHER_TENANT, ada.id, hashed="theirs")

        async with self.unit() as unit:
            assert await unit.people.get(DEFAULT_TENANT, ada.id) == ada

    async def test_a_person_goes_with_the_unit(self) -> None:
        """Whoever was added by what is rolled back does not exist."""
        async with self.given.units.begin() as unit:
            await unit.people.add(a_person())

        assert await self.found("ada@example.org") is None
