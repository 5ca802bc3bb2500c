"""Endpoints that are retired, and jobs that take no more: archived, restored, refused."""

import asyncio
from dataclasses import replace

import pytest

from cronicorn_domain.errors import ForbiddenTransition, NameTaken
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.testing.builders import DAY, EPOCH, an_endpoint, at
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite


class JobCatalogArchiveContract(StoreSuite):
    """What is archived takes nothing, runs nothing, and can be brought back."""

    async def restore(self, endpoint: Endpoint, now: str) -> None:
        """Bring an archived endpoint back."""
        async with self.unit() as unit:
            await unit.catalog.restore_endpoint(endpoint.tenant, endpoint.id, now=at(now))

    async def test_nothing_is_added_to_an_archived_job(self) -> None:
        """The job refuses a new endpoint, trap T18."""
        job = await self.add_job()
        async with self.unit() as unit:
            await unit.catalog.archive_job(job.tenant, job.id, now=EPOCH)

        with pytest.raises(ForbiddenTransition):
            await self.add(an_endpoint(job))

    async def test_nothing_is_added_while_the_job_is_archived(self) -> None:
        """Whoever adds while another archives is refused, or was first, trap T18."""
        for number in range(5):
            job = await self.add_job(f"job {number}")
            adding, archiving = await self.given.another(), await self.given.another()

            added, _ = await asyncio.gather(
                _add(adding, an_endpoint(job)), _archive(archiving, job)
            )

            async with self.unit() as unit:
                listed = await unit.catalog.list_endpoints(job.tenant, job.id)
            assert len(listed) == (1 if added else 0)
            await self.expect_nothing_due(FIRST_SLOT)

    async def test_an_archived_endpoint_is_not_run(self) -> None:
        """It is out of the claim, and archiving twice changes nothing."""
        endpoint = await self.add_minutely()
        await self.archive(endpoint, at("12:00:10"))
        archived = await self.stored(endpoint)
        await self.archive(endpoint, at("12:00:20"))

        assert await self.stored(endpoint) == archived
        assert archived.archived_at == at("12:00:10")
        await self.expect_nothing_due(EPOCH + DAY)

    async def test_an_archived_endpoint_takes_no_edits(self) -> None:
        """It is neither changed nor paused nor resumed."""
        endpoint = await self.add_minutely()
        await self.archive(endpoint, at("12:00:10"))

        with pytest.raises(ForbiddenTransition):
            await self.change(replace(endpoint, description="x"), at("12:00:20"))
        with pytest.raises(ForbiddenTransition):
            await self.pause(endpoint, at("12:00:20"))
        with pytest.raises(ForbiddenTransition):
            await self.resume(endpoint, at("12:00:20"))

    async def test_a_restored_endpoint_is_planned_from_now(self) -> None:
        """It runs at the next slot of its grid; what passed meanwhile is not run."""
        endpoint = await self.add_minutely()
        await self.archive(endpoint, at("12:00:10"))

        await self.restore(endpoint, "14:30:30")

        await self.expect_nothing_due(at("14:30:59"))
        assert (await self.claim_one(at("14:31:00"))).plan.decision.slot == at("14:31:00")
        with pytest.raises(ForbiddenTransition):
            await self.restore(endpoint, "14:40:00")

    async def test_an_archived_endpoint_frees_its_name(self) -> None:
        """Its name can be taken, and then it cannot be restored."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job))
        await self.archive(endpoint, at("12:00:10"))

        new = await self.add(an_endpoint(job))

        async with self.unit() as unit:
            found = await unit.catalog.find_endpoint(job.tenant, job.id, "health")
        assert found == new
        with pytest.raises(NameTaken):
            await self.restore(endpoint, "12:00:20")


async def _add(handle: Store, endpoint: Endpoint) -> bool:
    try:
        async with handle.units.begin() as unit:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
            await unit.commit()
    except ForbiddenTransition:
        return False
    return True


async def _archive(handle: Store, job: Job) -> None:
    async with handle.units.begin() as unit:
        await unit.catalog.archive_job(job.tenant, job.id, now=EPOCH)
        await unit.commit()
