"""Device grants: found by either code, decided and used by one at a time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from cronicorn_domain.identity import DEFAULT_TENANT, DeviceGrantId, PersonId, new_uuid
from cronicorn_domain.model.api_key import Scope, digest_of
from cronicorn_domain.model.device_grant import (
    DEVICE_GRANT_LASTS,
    Approved,
    Denied,
    DeviceGrant,
    hash_of_user_code,
)
from cronicorn_domain.testing.builders import EPOCH, SECOND, at
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import StoreSuite

DEVICE = "dc_0123456789abcdefghijklmnop"
ALIKE = "dc_01234-another-that-begins-alike"
CODE, OTHER_CODE = "WDJBMJHT", "BCDFGHJK"


def a_grant(device: str = DEVICE, code: str = CODE) -> DeviceGrant:
    """Return a grant that nobody has decided."""
    return DeviceGrant(
        id=DeviceGrantId(new_uuid()),
        device=digest_of(device),
        user_code=hash_of_user_code(code),
        client="a command line",
        scopes=frozenset({Scope.READ, Scope.WRITE}),
        created_at=EPOCH,
        expires_at=EPOCH + DEVICE_GRANT_LASTS,
    )


class DeviceGrantsContract(StoreSuite):
    """What holds for device grants."""

    async def keep(self, *grants: DeviceGrant) -> list[bool]:
        """Keep grants, in a unit of their own."""
        async with self.unit() as unit:
            return [await unit.device_grants.add(each) for each in grants]

    async def found(self, device: str = DEVICE) -> DeviceGrant | None:
        """Read one by the device's code."""
        async with self.unit() as unit:
            return await unit.device_grants.of_device(digest_of(device))

    async def test_one_is_found_by_either_code(self) -> None:
        """It comes back as it was kept, also where another code begins alike."""
        grant, alike = a_grant(), a_grant(ALIKE, OTHER_CODE)
        assert grant.device.prefix == alike.device.prefix

        assert await self.keep(grant, alike) == [True, True]

        assert (await self.found(), await self.found(ALIKE)) == (grant, alike)
        async with self.unit() as unit:
            for typed in (CODE, "wdjb-mjht", " wdjb mjht "):
                assert await unit.device_grants.of_user_code(hash_of_user_code(typed)) == grant
            for typed in ("", CODE[:-1], f"{CODE}X"):
                assert await unit.device_grants.of_user_code(hash_of_user_code(typed)) is None
        for device in ("", DEVICE[:8], DEVICE[:-1], f"{DEVICE}x"):
            assert await self.found(device) is None

    async def test_a_code_that_people_type_is_one_grants(self) -> None:
        """A second one is not kept, and that is said; the unit goes on."""
        async with self.unit() as unit:
            grants = unit.device_grants
            assert [await grants.add(each) for each in (a_grant(), a_grant(ALIKE))] == [True, False]

        assert await self.found() is not None
        assert await self.found(ALIKE) is None

    async def test_what_became_of_one_is_kept(self) -> None:
        """How it was decided, and how it was asked about."""
        approved = Approved(tenant=DEFAULT_TENANT, person=PersonId(new_uuid()))
        grant, other = a_grant(), a_grant(ALIKE, OTHER_CODE)
        await self.keep(grant, other)

        for standing in (grant.standing, approved, Denied()):
            changed = replace(
                grant, standing=standing, interval=10 * SECOND, polled_at=at("12:00:05")
            )
            async with self.unit() as unit:
                await unit.device_grants.change(changed)
            assert await self.found() == changed

        assert await self.found(ALIKE) == other

    async def test_what_was_used_is_gone(self) -> None:
        """Its code means nothing any more; to delete it again is no fault."""
        grant = a_grant()
        await self.keep(grant)

        for _ in range(2):
            async with self.unit() as unit:
                await unit.device_grants.remove(grant.id)

        assert await self.found() is None

    async def test_one_is_used_once(self) -> None:
        """Those who look for it at once wait for one another, and see what became of it."""
        grant = a_grant()
        await self.keep(grant)
        others = [await self.given.another() for _ in range(3)]

        async def used(store: Store) -> bool:
            async with store.units.begin() as unit:
                found = await unit.device_grants.of_device(grant.device)
                if found is not None:
                    await unit.device_grants.remove(found.id)
                await unit.commit()
                return found is not None

        assert sorted(await asyncio.gather(*map(used, others))) == [False, False, True]

    async def test_what_expired_long_ago_is_pruned(self) -> None:
        """Some at a time, until there is none; what expires at the instant itself stays."""
        await self.keep(*(a_grant(f"{DEVICE}{n}", f"{CODE}{n}") for n in range(3)))
        end = EPOCH + DEVICE_GRANT_LASTS

        async with self.unit() as unit:
            assert await unit.device_grants.prune(before=end) == 0
            late = end + timedelta(microseconds=1)
            pruned = [await unit.device_grants.prune(before=late, limit=2) for _ in range(3)]

        assert pruned == [2, 1, 0]
        assert await self.found(f"{DEVICE}0") is None
