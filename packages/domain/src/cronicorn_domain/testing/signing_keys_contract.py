"""Signing keys: one of a tenant's is the newest, and the one before it may still be valid."""

import asyncio

import pytest

from cronicorn_domain.errors import NotFound, SigningKeyPresent
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.signing import SigningKey
from cronicorn_domain.testing.builders import EPOCH, HOUR, a_job, a_signing_key, at, signing_keys
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())


class SigningKeysContract(StoreSuite):
    """What holds for signing keys."""

    async def keep_one(self) -> None:
        """Keep the first key of the tenant."""
        async with self.unit() as unit:
            await unit.signing_keys.add(signing_keys())

    async def valid(self, time: str) -> tuple[SigningKey, ...]:
        """Read which keys sign at an instant."""
        async with self.unit() as unit:
            keys = await unit.signing_keys.find(DEFAULT_TENANT)
        return () if keys is None else keys.valid_at(at(time))

    async def test_who_has_no_key_has_none(self) -> None:
        """There is nothing to read, and nothing to rotate."""
        async with self.unit() as unit:
            assert await unit.signing_keys.find(DEFAULT_TENANT) is None
            assert await unit.signing_keys.card(DEFAULT_TENANT) is None
            with pytest.raises(NotFound):
                await unit.signing_keys.rotate(
                    DEFAULT_TENANT, a_signing_key(), now=EPOCH, overlap=HOUR
                )

    async def test_a_key_comes_back_whole(self) -> None:
        """Whoever signs gets it, and it is nobody else's."""
        await self.keep_one()

        async with self.unit() as unit:
            assert await unit.signing_keys.find(DEFAULT_TENANT) == signing_keys()
            assert await unit.signing_keys.card(DEFAULT_TENANT) == signing_keys().card
            assert await unit.signing_keys.find(OTHER_TENANT) is None

    async def test_a_tenant_makes_one_key(self) -> None:
        """A second is refused, and what the unit did besides is kept."""
        await self.keep_one()

        async with self.unit() as unit:
            await unit.catalog.add_job(a_job())
            with pytest.raises(SigningKeyPresent):
                await unit.signing_keys.add(signing_keys(number=2))

        async with self.unit() as unit:
            assert len(await unit.catalog.list_jobs(DEFAULT_TENANT)) == 1
        assert await self.valid("12:00:00") == (a_signing_key(),)

    async def test_both_keys_sign_during_a_rotation(self) -> None:
        """The new one first, and the old one up to the end of the overlap: equal is over."""
        await self.keep_one()
        new, old = a_signing_key(2), a_signing_key(1)

        async with self.unit() as unit:
            before = await unit.signing_keys.rotate(
                DEFAULT_TENANT, new, now=at("12:30:00"), overlap=HOUR
            )

        assert before == signing_keys().card
        assert await self.valid("13:29:59") == (new, old)
        assert await self.valid("13:30:00") == (new,)
        async with self.unit() as unit:
            card = await unit.signing_keys.card(DEFAULT_TENANT)
        assert card is not None
        assert (card.prefix, card.created_at) == (new.prefix, EPOCH)
        assert (card.rotated_at, card.previous_until) == (at("12:30:00"), at("13:30:00"))

    async def test_no_more_than_two_keys_are_valid(self) -> None:
        """Rotated again within the overlap, the oldest is over at once."""
        await self.keep_one()

        async with self.unit() as unit:
            for number in (2, 3):
                await unit.signing_keys.rotate(
                    DEFAULT_TENANT, a_signing_key(number), now=at("12:30:00"), overlap=HOUR
                )

        assert await self.valid("12:30:01") == (a_signing_key(3), a_signing_key(2))

    async def test_without_an_overlap_the_old_key_is_over(self) -> None:
        """Nothing is signed with it any more, and it is kept nowhere."""
        await self.keep_one()

        async with self.unit() as unit:
            await unit.signing_keys.rotate(
                DEFAULT_TENANT, a_signing_key(2), now=at("12:30:00"), overlap=NO_TIME
            )

        assert await self.valid("12:30:00") == (a_signing_key(2),)
        async with self.unit() as unit:
            keys = await unit.signing_keys.find(DEFAULT_TENANT)
        assert keys is not None
        assert keys.previous is None

    async def test_rotations_at_once_come_one_after_the_other(self) -> None:
        """Each of several goes before the one that was the newest then: none is lost."""
        await self.keep_one()
        other = await self.given.another()

        async def rotate(number: int) -> str:
            async with other.units.begin() as unit:
                before = await unit.signing_keys.rotate(
                    DEFAULT_TENANT, a_signing_key(number), now=EPOCH, overlap=HOUR
                )
                await unit.commit()
            return before.prefix

        found = await asyncio.gather(*(rotate(number) for number in (2, 3, 4)))

        newest, _ = await self.valid("12:00:01")
        given = {a_signing_key(number).prefix for number in (1, 2, 3, 4)}
        assert {*found, newest.prefix} == given

    async def test_a_key_goes_with_its_unit(self) -> None:
        """What is rolled back was not made."""
        async with self.given.units.begin() as unit:
            await unit.signing_keys.add(signing_keys())

        assert await self.valid("12:00:00") == ()
