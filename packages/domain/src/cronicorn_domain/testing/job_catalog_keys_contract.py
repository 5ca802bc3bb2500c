"""External keys: what another system calls a job or an endpoint."""

import asyncio
from dataclasses import replace

import pytest

from cronicorn_domain.errors import KeyTaken, NameTaken, UnreadableRow
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.testing.builders import EPOCH, a_job, an_endpoint, at
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())


class JobCatalogKeysContract(StoreSuite):
    """Keys are unique among what is not archived, and stay as they were given."""

    async def add_keyed_job(self, name: str = "shop", *, key: str | None = "k") -> Job:
        """Keep a job that has an external key."""
        job = a_job(name, external_key=key)
        async with self.unit() as unit:
            await unit.catalog.add_job(job)
        return job

    async def add_keyed_endpoint(self, job: Job, name: str = "health") -> Endpoint:
        """Keep an endpoint that has an external key."""
        return await self.add(an_endpoint(job, name, external_key="e"))

    async def test_they_are_found_by_their_keys(self) -> None:
        """What was written is read; by another tenant, or in another job, it is not."""
        job = await self.add_keyed_job()
        other = await self.add_keyed_job("other", key=None)
        endpoint = await self.add_keyed_endpoint(job)

        async with self.unit() as unit:
            catalog = unit.catalog
            assert await catalog.find_job_by_key(DEFAULT_TENANT, "k") == job
            assert await catalog.find_job_by_key(DEFAULT_TENANT, "K") is None
            assert await catalog.find_job_by_key(OTHER_TENANT, "k") is None
            assert await catalog.find_endpoint_by_key(DEFAULT_TENANT, job.id, "e") == endpoint
            assert await catalog.find_endpoint_by_key(DEFAULT_TENANT, other.id, "e") is None
            assert await catalog.find_endpoint_by_key(OTHER_TENANT, job.id, "e") is None

    async def test_a_taken_key_is_refused(self) -> None:
        """A second use is refused, and takes nothing with it; without a key nothing collides."""
        job = await self.add_keyed_job()
        await self.add_keyed_endpoint(job)

        with pytest.raises(KeyTaken):
            await self.add_keyed_job("store")
        with pytest.raises(KeyTaken):
            await self.add_keyed_endpoint(job, "stock")
        await self.add_keyed_job("store", key=None)
        await self.add(an_endpoint(job, "stock"))
        await self.add(an_endpoint(job, "price"))

    async def test_a_refused_key_leaves_the_name_free(self) -> None:
        """Within the unit that was refused, too, the name can be taken."""
        job = await self.add_keyed_job()
        await self.add_keyed_endpoint(job)
        async with self.unit() as unit:
            with pytest.raises(KeyTaken):
                await unit.catalog.add_job(a_job("store", external_key="k"))
            with pytest.raises(KeyTaken):
                await unit.catalog.add_endpoint(
                    an_endpoint(job, "stock", external_key="e"), now=EPOCH
                )
            await unit.catalog.add_job(a_job("store"))
            await unit.catalog.add_endpoint(an_endpoint(job, "stock"), now=EPOCH)

    async def test_of_many_each_key_is_judged_alone(self) -> None:
        """Whose key is taken is refused for that, whose name is, for that; the others are kept."""
        job = await self.add_keyed_job()
        await self.add_keyed_endpoint(job)
        given = [
            an_endpoint(job, "stock", external_key="e"),
            an_endpoint(job, "health", external_key="f"),
            an_endpoint(job, "price", external_key="g"),
            an_endpoint(job, "tax", external_key="g"),
        ]

        async with self.unit() as unit:
            refusals = await unit.catalog.add_endpoints(given, now=EPOCH)

        kinds = [None if each is None else type(each) for each in refusals]
        assert kinds == [KeyTaken, NameTaken, None, KeyTaken]

    async def test_a_key_is_taken_once_by_concurrent_writers(self) -> None:
        """Of several who take a key at once, one gets it."""
        handles = [await self.given.another() for _ in range(3)]

        results = await asyncio.gather(
            *(_take_key(handle, f"job {n}") for n, handle in enumerate(handles)),
            return_exceptions=True,
        )

        assert [type(each) for each in results if each is not None] == [KeyTaken, KeyTaken]

    async def test_what_is_archived_frees_its_key(self) -> None:
        """It is not found by it any more, and not restored once another has it."""
        job = await self.add_keyed_job()
        endpoint = await self.add_keyed_endpoint(job)
        await self.archive(endpoint, at("12:00:10"))

        new = await self.add_keyed_endpoint(job, "stock")
        with pytest.raises(KeyTaken):
            async with self.unit() as unit:
                await unit.catalog.restore_endpoint(job.tenant, endpoint.id, now=at("12:00:20"))
        async with self.unit() as unit:
            assert await unit.catalog.find_endpoint_by_key(job.tenant, job.id, "e") == new
            await unit.catalog.archive_job(job.tenant, job.id, now=at("12:00:30"))
            assert await unit.catalog.find_job_by_key(job.tenant, "k") is None
        await self.add_keyed_job("store")
        with pytest.raises(KeyTaken):
            async with self.unit() as unit:
                await unit.catalog.restore_job(job.tenant, job.id, now=at("12:00:40"))

    async def test_what_is_restored_has_its_key_again(self) -> None:
        """Nobody took it meanwhile."""
        job = await self.add_keyed_job()
        async with self.unit() as unit:
            await unit.catalog.archive_job(job.tenant, job.id, now=at("12:00:10"))
            restored = await unit.catalog.restore_job(job.tenant, job.id, now=at("12:00:20"))

        async with self.unit() as unit:
            assert await unit.catalog.find_job_by_key(job.tenant, "k") == restored

    async def test_an_edit_leaves_the_key(self) -> None:
        """It is given when the endpoint is created, and not moved by an edit."""
        endpoint = await self.add_keyed_endpoint(await self.add_keyed_job())

        moved = replace(endpoint, external_key="other", description="x")
        assert await self.change(moved, at("12:00:10"))
        assert not await self.change(replace(moved, external_key=None), at("12:00:20"))

        assert (await self.stored(endpoint)).external_key == "e"

    async def test_a_mended_endpoint_has_its_key_still(self) -> None:
        """An edit of what cannot be read any more leaves it, too."""
        endpoint = await self.add_keyed_endpoint(await self.add_keyed_job())
        await self.given.corrupt_schedule(endpoint.id)
        with pytest.raises(UnreadableRow):
            await self.stored(endpoint)

        await self.change(replace(endpoint, external_key=None), at("12:00:10"))

        assert (await self.stored(endpoint)).external_key == "e"


async def _take_key(handle: Store, name: str) -> None:
    async with handle.units.begin() as unit:
        await unit.catalog.add_job(a_job(name, external_key="k"))
        await unit.commit()
