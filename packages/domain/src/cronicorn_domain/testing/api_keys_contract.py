"""API keys: found by their hash, listed and revoked by their tenant."""

from dataclasses import replace

import pytest

from cronicorn_domain.errors import NotFound, SecretTaken
from cronicorn_domain.identity import DEFAULT_TENANT, ApiKeyId, PersonId, TenantId, new_uuid
from cronicorn_domain.model.api_key import ApiKey, Scope, digest_of
from cronicorn_domain.testing.builders import EPOCH, a_job, at
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())
SECRET = "cron_0123456789abcdefghijklmnop"  # noqa: S105  it opens nothing
ALIKE = "cron_012-another-that-begins-alike"


def a_key(
    secret: str = SECRET, *, tenant: TenantId = DEFAULT_TENANT, issued_by: PersonId | None = None
) -> ApiKey:
    """Return a key of that secret that may read and write."""
    return ApiKey(
        id=ApiKeyId(new_uuid()),
        tenant=tenant,
        name="deploy",
        digest=digest_of(secret),
        scopes=frozenset({Scope.READ, Scope.WRITE}),
        created_at=EPOCH,
        expires_at=at("13:00:00"),
        issued_by=issued_by,
    )


class ApiKeysContract(StoreSuite):
    """What holds for API keys."""

    async def keep(self, *keys: ApiKey) -> None:
        """Keep keys, in a unit of their own."""
        async with self.unit() as unit:
            for key in keys:
                await unit.keys.add(key)

    async def test_a_key_is_found_by_its_hash(self) -> None:
        """It comes back as it was kept, whoever's it is, also where another one begins alike."""
        key, alike = a_key(), a_key(ALIKE, tenant=OTHER_TENANT)
        assert key.digest.prefix == alike.digest.prefix

        await self.keep(key, alike)

        async with self.unit() as unit:
            assert await unit.keys.find(digest_of(SECRET)) == key
            assert await unit.keys.find(digest_of(ALIKE)) == alike

    async def test_a_beginning_is_no_key(self) -> None:
        """Neither is what a list shows, nor nothing, nor what comes with more behind it."""
        key = a_key()
        await self.keep(key)

        async with self.unit() as unit:
            for secret in ("", key.digest.prefix, key.digest.sha256, f"{SECRET}x", SECRET[:-1]):
                assert await unit.keys.find(digest_of(secret)) is None

    async def test_a_secret_is_one_keys(self) -> None:
        """A second key of the same secret is refused, and what the unit did besides is kept."""
        await self.keep(a_key())

        async with self.unit() as unit:
            await unit.catalog.add_job(a_job())
            with pytest.raises(SecretTaken):
                await unit.keys.add(a_key(tenant=OTHER_TENANT))

        async with self.unit() as unit:
            assert len(await unit.catalog.list_jobs(DEFAULT_TENANT)) == 1
            assert await unit.keys.list_keys(OTHER_TENANT) == []

    async def test_keys_are_listed_page_by_page(self) -> None:
        """In the order of their ids, and no other tenant's."""
        keys = [a_key(f"{SECRET}{n}") for n in range(3)]
        await self.keep(*keys, a_key(tenant=OTHER_TENANT))

        async with self.unit() as unit:
            assert await unit.keys.list_keys(DEFAULT_TENANT, limit=2) == keys[:2]
            assert await unit.keys.list_keys(DEFAULT_TENANT, after=keys[1].id) == keys[2:]

    async def test_a_revoked_key_is_over(self) -> None:
        """It is listed no more and cannot be revoked again, and whoever presents it is known."""
        key = a_key()
        await self.keep(key)

        async with self.unit() as unit:
            assert await unit.keys.revoke(DEFAULT_TENANT, key.id, now=at("12:30:00")) == key

        async with self.unit() as unit:
            assert await unit.keys.list_keys(DEFAULT_TENANT) == []
            found = await unit.keys.find(key.digest)
            assert found == replace(key, revoked_at=at("12:30:00"))
            with pytest.raises(NotFound):
                await unit.keys.revoke(DEFAULT_TENANT, key.id, now=at("12:31:00"))

    async def test_another_tenants_key_does_not_exist(self) -> None:
        """It cannot be revoked, and goes on holding."""
        key = a_key()
        await self.keep(key)

        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.keys.revoke(OTHER_TENANT, key.id, now=EPOCH)
            assert await unit.keys.find(key.digest) == key

    async def test_the_keys_that_a_person_issued_end_together(self) -> None:
        """Those of others go on, and those that were over stay as they were."""
        ada, bob = PersonId(new_uuid()), PersonId(new_uuid())
        first, second, over = (a_key(f"{SECRET}{n}", issued_by=ada) for n in range(3))
        others = [a_key(f"{SECRET}3", issued_by=bob), a_key(f"{SECRET}4")]
        await self.keep(first, second, over, *others)
        async with self.unit() as unit:
            await unit.keys.revoke(DEFAULT_TENANT, over.id, now=at("12:01:00"))

        async with self.unit() as unit:
            now = at("12:30:00")
            assert await unit.keys.revoke_issued_by(OTHER_TENANT, ada, now=now) == 0
            assert await unit.keys.revoke_issued_by(DEFAULT_TENANT, ada, now=now) == 2

        async with self.unit() as unit:
            assert await unit.keys.list_keys(DEFAULT_TENANT) == others
            assert await unit.keys.find(first.digest) == replace(first, revoked_at=now)
            assert await unit.keys.find(over.digest) == replace(over, revoked_at=at("12:01:00"))

    async def test_a_renamed_key_is_the_same(self) -> None:
        """It is called otherwise from then on, and proves what it proved."""
        key = a_key()
        await self.keep(key)

        async with self.unit() as unit:
            assert await unit.keys.rename(DEFAULT_TENANT, key.id, name="nightly") == key

        async with self.unit() as unit:
            assert await unit.keys.find(key.digest) == replace(key, name="nightly")

    async def test_only_ones_own_living_keys_are_renamed(self) -> None:
        """Another tenant's and a revoked one are not there, and keep their names."""
        key, revoked = a_key(), a_key(ALIKE)
        await self.keep(key, revoked)
        async with self.unit() as unit:
            await unit.keys.revoke(DEFAULT_TENANT, revoked.id, now=EPOCH)

        async with self.unit() as unit:
            for tenant, each in ((OTHER_TENANT, key), (DEFAULT_TENANT, revoked)):
                with pytest.raises(NotFound):
                    await unit.keys.rename(tenant, each.id, name="mine")

        async with self.unit() as unit:
            assert await unit.keys.find(key.digest) == key
            assert await unit.keys.find(revoked.digest) == replace(revoked, revoked_at=EPOCH)

    async def test_the_last_use_is_the_last(self) -> None:
        """What comes in late does not set it back, and a key that is gone is no fault."""
        key = a_key()
        await self.keep(key)

        for instant in ("12:10:00", "12:05:00"):
            async with self.unit() as unit:
                await unit.keys.note_use(key.id, now=at(instant))
                await unit.keys.note_use(ApiKeyId(new_uuid()), now=at(instant))

        async with self.unit() as unit:
            assert await unit.keys.find(key.digest) == replace(key, last_used_at=at("12:10:00"))

    async def test_a_key_goes_with_its_unit(self) -> None:
        """What is rolled back was not issued."""
        async with self.given.units.begin() as unit:
            await unit.keys.add(a_key())

        async with self.unit() as unit:
            assert await unit.keys.find(digest_of(SECRET)) is None
