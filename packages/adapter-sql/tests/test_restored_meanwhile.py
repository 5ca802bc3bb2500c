"""An endpoint that is restored while its job is resumed is not forgotten."""

import asyncio

import pytest
from cronicorn_domain.testing.builders import an_endpoint, at
from cronicorn_domain.testing.store_suite import StoreSuite


class TestRestoredMeanwhile(StoreSuite):
    """Two people at once, each in a unit of work of their own."""

    @pytest.fixture
    async def store(self, sql_store):
        """Provide an empty store on SQL."""
        return sql_store

    async def test_it_is_due_again(self) -> None:
        """Whoever comes second sees what the first one did (trap T01)."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job))
        now = at("12:00:10")
        async with self.unit() as unit:
            await unit.catalog.pause_job(job.tenant, job.id, now=now)
        await self.archive(endpoint, now)
        other = await self.given.another()

        async with self.given.units.begin() as resuming:
            await resuming.catalog.resume_job(job.tenant, job.id, now=now)
            restoring = asyncio.create_task(self._restore(other, endpoint, now))
            await asyncio.wait([restoring], timeout=0.5)
            await resuming.commit()
        await restoring

        batch = await self.claim(at("12:05:00"))
        assert [run.endpoint.id for run in batch.runs] == [endpoint.id]

    async def _restore(self, handle, endpoint, now):
        async with handle.units.begin() as unit:
            await unit.catalog.restore_endpoint(endpoint.tenant, endpoint.id, now=now)
            await unit.commit()
