"""A claim brings the keys that its runs are signed with."""

from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.signing import NoKeys, Signing, TenantKeys
from cronicorn_domain.testing.builders import (
    HOUR,
    MINUTE,
    a_signing_key,
    an_endpoint,
    signing_keys,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

OTHER_TENANT = TenantId(new_uuid())


class EndpointQueueSigningContract(StoreSuite):
    """Whose keys they are, and that changes are heeded in time."""

    async def keys_claimed(self, minutes: int) -> dict[str, TenantKeys | NoKeys | None]:
        """Claim what is due so many minutes after the first slot, settle, and return the keys."""
        now = FIRST_SLOT + minutes * MINUTE
        runs = (await self.claim(now)).runs
        for run in runs:
            assert await self.start(run, now) is None
            await self.settle(run, now, started_at=now)
        return {run.endpoint.name: run.keys for run in runs}

    async def test_each_tenants_runs_come_with_its_own_keys(self) -> None:
        """Who has none gets none, and an endpoint that signs nothing needs none."""
        job, theirs = await self.add_job(), await self.add_job(tenant=OTHER_TENANT)
        await self.add(an_endpoint(job, "ours"))
        await self.add(an_endpoint(job, "unsigned", signing=Signing.OFF))
        await self.add(an_endpoint(theirs, "theirs"))
        async with self.unit() as unit:
            await unit.signing_keys.add(signing_keys())

        found = await self.keys_claimed(0)

        assert found == {"ours": signing_keys(), "unsigned": None, "theirs": None}

    async def test_keys_that_are_made_and_rotated_are_heeded(self) -> None:
        """A minute later at the latest a run comes with what there is now."""
        await self.add(an_endpoint(await self.add_job()))

        found = [await self.keys_claimed(0)]
        async with self.unit() as unit:
            await unit.signing_keys.add(signing_keys())
        found.append(await self.keys_claimed(1))
        async with self.unit() as unit:
            await unit.signing_keys.rotate(
                DEFAULT_TENANT, a_signing_key(2), now=FIRST_SLOT + MINUTE, overlap=HOUR
            )
        found.append(await self.keys_claimed(2))

        rotated = signing_keys().rotated(a_signing_key(2), now=FIRST_SLOT + MINUTE, overlap=HOUR)
        assert [each["health"] for each in found] == [None, signing_keys(), rotated]
