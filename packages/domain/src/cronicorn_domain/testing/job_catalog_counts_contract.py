"""What is counted and chosen, and what is held while somebody decides about it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, JobId, TenantId, new_uuid
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.testing.builders import EPOCH, an_endpoint, at
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())
WRITERS = 4


class JobCatalogCountsContract(StoreSuite):
    """Counts are true when they are used."""

    async def test_unarchived_endpoints_are_counted_by_job(self) -> None:
        """Jobs without any, and jobs of others, have none."""
        job, empty = await self.add_job(), await self.add_job("empty")
        for name in ("a", "b"):
            await self.add(an_endpoint(job, name))
        await self.archive(await self.add(an_endpoint(job, "c")), at("12:00:10"))

        async with self.unit() as unit:
            ids = [empty.id, job.id]
            assert await unit.catalog.count_endpoints(DEFAULT_TENANT, ids) == {
                empty.id: 0,
                job.id: 2,
            }
            assert await unit.catalog.count_endpoints(OTHER_TENANT, [job.id]) == {job.id: 0}
            assert await unit.catalog.count_endpoints(DEFAULT_TENANT, []) == {}

    async def test_what_counts_to_a_limit_can_run(self) -> None:
        """Archived endpoints do not count, nor do those of archived jobs; paused ones do."""
        job, retired = await self.add_job(), await self.add_job("retired")
        paused = await self.add(an_endpoint(job, "a"))
        await self.pause(paused, at("12:00:10"))
        await self.archive(await self.add(an_endpoint(job, "b")), at("12:00:10"))
        await self.add(an_endpoint(retired, "a"))

        async with self.unit() as unit:
            assert await unit.catalog.count_to_limit(DEFAULT_TENANT) == 2
            assert await unit.catalog.count_to_limit(OTHER_TENANT) == 0
            await unit.catalog.archive_job(DEFAULT_TENANT, retired.id, now=at("12:00:10"))
            assert await unit.catalog.count_to_limit(DEFAULT_TENANT) == 1

    async def test_nobody_passes_who_counted_first(self) -> None:
        """Writers that count before they add never get beyond the limit together, trap T18."""
        job = await self.add_job()
        handles = [await self.given.another() for _ in range(WRITERS)]

        added = await asyncio.gather(
            *(_add_below(handle, job, f"e{n}", limit=2) for n, handle in enumerate(handles))
        )

        assert sorted(added) == [False] * (WRITERS - 2) + [True] * 2
        async with self.unit() as unit:
            assert len(await unit.catalog.list_endpoints(DEFAULT_TENANT, job.id)) == 2

    async def test_what_is_read_to_be_changed_is_held(self) -> None:
        """Of edits that each add to what they read, none is lost."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job))
        handles = [await self.given.another() for _ in range(WRITERS)]

        await asyncio.gather(*(_lengthen(handle, job, endpoint.id) for handle in handles))

        async with self.unit() as unit:
            read_job = await unit.catalog.get_job(DEFAULT_TENANT, job.id)
        assert read_job.description == "x" * WRITERS
        assert (await self.stored(endpoint)).description == "x" * WRITERS

    async def test_another_tenants_is_not_held(self) -> None:
        """It is not found, whatever it is read for."""
        endpoint = await self.add_minutely()

        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.catalog.get_endpoint(OTHER_TENANT, endpoint.id, to_change=True)
            with pytest.raises(NotFound):
                await unit.catalog.get_job(OTHER_TENANT, endpoint.job_id, to_change=True)

    async def test_situations_are_read_together(self) -> None:
        """They come in the order given; what cannot be read or is another's is left out."""
        job = await self.add_job()
        first, second, broken = [await self.add(an_endpoint(job, name)) for name in "abc"]
        await self.given.corrupt_schedule(broken.id)
        ids = [second.id, broken.id, EndpointId(new_uuid()), first.id]

        async with self.unit() as unit:
            read = await unit.catalog.get_situations(DEFAULT_TENANT, ids)
            assert read == [
                await unit.catalog.get_situation(DEFAULT_TENANT, each.id)
                for each in (second, first)
            ]
            assert await unit.catalog.get_situations(OTHER_TENANT, ids) == []
            assert await unit.catalog.get_situations(DEFAULT_TENANT, []) == []

    async def test_jobs_are_listed_by_state(self) -> None:
        """Only those in the state come, page by page like all."""
        active, paused = await self.add_job("a"), await self.add_job("b")
        async with self.unit() as unit:
            moved = await unit.catalog.pause_job(DEFAULT_TENANT, paused.id, now=EPOCH)

        async with self.unit() as unit:
            read = unit.catalog.list_jobs
            assert await read(DEFAULT_TENANT, state=JobState.PAUSED) == [moved]
            assert await read(DEFAULT_TENANT, state=JobState.ACTIVE) == [active]
            assert await read(DEFAULT_TENANT, state=JobState.ACTIVE, after=active.id) == []

    async def test_archived_endpoints_can_be_left_out_of_a_list(self) -> None:
        """Pages are as full as without them."""
        job = await self.add_job()
        endpoints = [await self.add(an_endpoint(job, name)) for name in "abc"]
        await self.archive(endpoints[0], at("12:00:10"))

        async with self.unit() as unit:
            page = await unit.catalog.list_endpoints(
                DEFAULT_TENANT, job.id, limit=2, archived=False
            )

        assert [each.id for each in page] == [endpoints[1].id, endpoints[2].id]

    async def test_situations_are_listed_as_endpoints_are(self) -> None:
        """Of the same ones in the same order; what cannot be read leaves no gap in a page."""
        job, other = await self.add_job("a"), await self.add_job("b")
        first, broken, second, third = [await self.add(an_endpoint(job, name)) for name in "abcd"]
        elsewhere = await self.add(an_endpoint(other, "e"))
        await self.given.corrupt_schedule(broken.id)
        await self.archive(third, at("12:00:10"))

        async with self.unit() as unit:
            listed = unit.catalog.list_situations

            async def ids(*which: JobId, **how: Any) -> list[EndpointId]:
                return [each.endpoint.id for each in await listed(DEFAULT_TENANT, *which, **how)]

            assert await ids(job.id, limit=2) == [first.id, second.id]
            assert await ids(job.id, after=first.id) == [second.id, third.id]
            assert await ids(job.id, archived=False) == [first.id, second.id]
            assert await ids() == [first.id, second.id, third.id, elsewhere.id]
            assert await listed(OTHER_TENANT) == []
            found = await listed(DEFAULT_TENANT, job.id, limit=1)
            assert found == [await unit.catalog.get_situation(DEFAULT_TENANT, first.id)]


async def _add_below(handle: Store, job: Job, name: str, *, limit: int) -> bool:
    async with handle.units.begin() as unit:
        if await unit.catalog.count_to_limit(job.tenant) >= limit:
            return False
        await unit.catalog.add_endpoint(an_endpoint(job, name), now=EPOCH)
        await unit.commit()
    return True


async def _lengthen(handle: Store, job: Job, endpoint_id: EndpointId) -> None:
    async with handle.units.begin() as unit:
        read = await unit.catalog.get_job(job.tenant, job.id, to_change=True)
        await unit.catalog.describe_job(
            job.tenant,
            job.id,
            name=read.name,
            description=(read.description or "") + "x",
            now=EPOCH,
        )
        endpoint = await unit.catalog.get_endpoint(job.tenant, endpoint_id, to_change=True)
        longer = replace(endpoint, description=(endpoint.description or "") + "x")
        await unit.catalog.change_endpoint(longer, now=EPOCH)
        await unit.commit()
