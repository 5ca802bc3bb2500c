"""Many endpoints at once: kept, planned and refused as one by one."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from cronicorn_domain.errors import ForbiddenTransition, NameTaken, NotFound
from cronicorn_domain.identity import JobId, TenantId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Header, HttpRequest, Pause
from cronicorn_domain.ports.job_catalog import EndpointRefusal
from cronicorn_domain.schedules.schedule import Schedule
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    SECOND,
    a_job,
    an_endpoint,
    at,
    cron,
    every,
    once,
)
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

OTHER_TENANT = TenantId(new_uuid())
SECRET = HttpRequest(
    url="https://shop.example/",
    headers=(Header(name="Authorization", value="Bearer s3cret", secret=True),),
    body='{"a": "ä ✓"}',
)


class JobCatalogBulkContract(StoreSuite):
    """What holds where one call keeps many endpoints."""

    async def add_all(
        self, endpoints: Sequence[Endpoint], now: datetime = EPOCH
    ) -> Sequence[EndpointRefusal | None]:
        """Keep endpoints by one call, in a unit of its own."""
        async with self.unit() as unit:
            return await unit.catalog.add_endpoints(endpoints, now=now)

    async def test_all_are_kept_as_they_are(self) -> None:
        """Every endpoint of every job comes back whole, secrets included."""
        shop, office = await self.add_job("shop"), await self.add_job("office")
        endpoints = [
            an_endpoint(shop, "a", schedule=cron("*/5 * * * *"), request=SECRET),
            an_endpoint(office, "a", schedule=once(EPOCH + DAY)),
            replace(an_endpoint(shop, "b"), pause=Pause(until=OPEN_ENDED, reason="not yet")),
        ]

        refusals = await self.add_all(endpoints)

        assert list(refusals) == [None, None, None]
        assert [await self.stored(each) for each in endpoints] == endpoints

    async def test_each_is_planned_as_if_it_came_alone(self) -> None:
        """State and plan are the same to the letter, whichever way an endpoint came."""
        job, other = await self.add_job("a"), await self.add_job("b")
        schedules: list[Schedule] = [
            cron("*/5 * * * *"),
            every(90 * SECOND),
            once(EPOCH + DAY),
            once(EPOCH - HOUR),
        ]
        together = [an_endpoint(job, f"{n}", schedule=each) for n, each in enumerate(schedules)]

        await self.add_all(together)

        for each in together:
            alone = await self.add(replace(an_endpoint(other, each.name), schedule=each.schedule))
            assert await self.state(each) == await self.state(alone)
            assert [(r.fate, r.first) for r in await self.records(each)] == [
                (r.fate, r.first) for r in await self.records(alone)
            ]

    async def test_they_are_claimable(self) -> None:
        """All are due at their first slots, those of paused jobs and paused endpoints excepted."""
        job, paused = await self.add_job("a"), await self.add_job("b")
        async with self.unit() as unit:
            await unit.catalog.pause_job(paused.tenant, paused.id, now=EPOCH)
        running = [an_endpoint(job, f"{number}") for number in range(30)]
        waiting = [
            an_endpoint(paused, "c"),
            replace(an_endpoint(job, "d"), pause=Pause(until=OPEN_ENDED)),
        ]

        await self.add_all([*running, *waiting])

        await self.expect_nothing_due(at("12:00:59"))
        batch = await self.claim(FIRST_SLOT)
        assert {run.endpoint.id for run in batch.runs} == {each.id for each in running}

    async def test_a_refused_one_keeps_no_other_out(self) -> None:
        """Each is refused for what it is itself, in its place, and the others are kept."""
        job, archived = await self.add_job("a"), await self.add_job("b")
        foreign, unknown = await self.add_job("a", tenant=OTHER_TENANT), a_job("nobody's")
        async with self.unit() as unit:
            await unit.catalog.archive_job(archived.tenant, archived.id, now=EPOCH)
        await self.add(an_endpoint(job, "taken"))
        kept = [an_endpoint(job, "first"), an_endpoint(foreign, "taken")]

        refusals = await self.add_all(
            [
                an_endpoint(job, "taken"),
                kept[0],
                an_endpoint(archived),
                an_endpoint(unknown),
                replace(an_endpoint(foreign), tenant=job.tenant),
                kept[1],
            ]
        )

        assert [type(each) for each in refusals] == [
            NameTaken,
            type(None),
            ForbiddenTransition,
            NotFound,
            NotFound,
            type(None),
        ]
        assert {each.endpoint.id for each in (await self.claim(FIRST_SLOT)).runs} >= {
            each.id for each in kept
        }

    async def test_of_one_name_the_first_is_kept(self) -> None:
        """Names are unique within a call, too; another job may have the same."""
        job, other = await self.add_job("a"), await self.add_job("b")
        first, second, elsewhere = an_endpoint(job), an_endpoint(job), an_endpoint(other)

        refusals = await self.add_all([first, second, elsewhere])

        assert [type(each) for each in refusals] == [type(None), NameTaken, type(None)]
        async with self.unit() as unit:
            assert await unit.catalog.list_endpoints(job.tenant, job.id) == [first]
            with pytest.raises(NotFound):
                await unit.catalog.get_endpoint(job.tenant, second.id)

    async def test_an_archived_ones_name_is_free(self) -> None:
        """What was archived stands in nobody's way."""
        old = await self.add_minutely()
        await self.archive(old, at("12:00:10"))
        new = replace(old, id=an_endpoint(a_job()).id)

        assert list(await self.add_all([new])) == [None]

    async def test_none_is_no_work(self) -> None:
        """No endpoints, no refusals."""
        assert list(await self.add_all([])) == []

    async def test_nothing_stays_without_a_commit(self) -> None:
        """They are part of the caller's unit of work."""
        job = await self.add_job()
        async with self.given.units.begin() as unit:
            await unit.catalog.add_endpoints([an_endpoint(job)], now=EPOCH)
            await unit.rollback()

        async with self.unit() as unit:
            assert await unit.catalog.list_endpoints(job.tenant, job.id) == []
        await self.expect_nothing_due(FIRST_SLOT)

    async def test_what_was_kept_before_a_refusal_is_part_of_the_unit(self) -> None:
        """A name that is taken spoils nothing that the unit wrote before or writes later."""
        job = a_job()
        endpoints = [an_endpoint(job, name) for name in ("a", "a", "b")]
        async with self.unit() as unit:
            await unit.catalog.add_job(job)
            first = await unit.catalog.add_endpoints(endpoints[:2], now=EPOCH)
            second = await unit.catalog.add_endpoints(endpoints[2:], now=EPOCH)

        assert [type(each) for each in (*first, *second)] == [type(None), NameTaken, type(None)]
        assert {each.endpoint.name for each in (await self.claim(FIRST_SLOT)).runs} == {"a", "b"}

    async def test_concurrent_writers_share_the_names_out(self) -> None:
        """Of several who bring the same names at once each name has one endpoint, trap T18."""
        job = await self.add_job()
        handles = [await self.given.another() for _ in range(3)]
        names = [f"{number}" for number in range(20)]

        results = await asyncio.gather(*(_add_names(each, job.id, names) for each in handles))

        kept = [each for refusals in results for each in refusals if each is None]
        assert len(kept) == len(names)
        async with self.unit() as unit:
            listed = await unit.catalog.list_endpoints(job.tenant, job.id)
        assert sorted(each.name for each in listed) == sorted(names)


async def _add_names(
    handle: Store, job_id: JobId, names: Sequence[str]
) -> Sequence[EndpointRefusal | None]:
    async with handle.units.begin() as unit:
        (job,) = [
            each for each in await unit.catalog.list_jobs(a_job().tenant) if each.id == job_id
        ]
        endpoints = [an_endpoint(job, name) for name in names]
        refusals = await unit.catalog.add_endpoints(endpoints, now=EPOCH)
        await unit.commit()
    return refusals
