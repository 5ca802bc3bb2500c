"""Jobs: kept, named, listed, and moved between their states."""

import asyncio
from dataclasses import replace

import pytest

from cronicorn_domain.errors import ForbiddenTransition, NameTaken, NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, JobId, TenantId, new_uuid
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.ports.job_catalog import JobCatalog
from cronicorn_domain.testing.builders import DAY, EPOCH, HOUR, a_job, an_endpoint, at, every
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

OTHER_TENANT = TenantId(new_uuid())

VERBS = ("pause", "resume", "archive", "restore")


async def move_job(catalog: JobCatalog, verb: str, job: Job) -> Job:
    """Pause, resume, archive or restore a job."""
    moves = {
        "pause": catalog.pause_job,
        "resume": catalog.resume_job,
        "archive": catalog.archive_job,
        "restore": catalog.restore_job,
    }
    return await moves[verb](job.tenant, job.id, now=at("12:00:30"))


class JobCatalogContract(StoreSuite):
    """What holds for jobs."""

    async def move(self, verb: str, job: Job) -> Job:
        """Move a job in a unit of its own."""
        async with self.unit() as unit:
            return await move_job(unit.catalog, verb, job)

    async def read(self, job: Job) -> Job:
        """Read a job back."""
        async with self.unit() as unit:
            return await unit.catalog.get_job(job.tenant, job.id)

    async def test_a_job_is_kept_as_it_is(self) -> None:
        """What was written is read, by id and by name."""
        job = await self.add_job()

        async with self.unit() as unit:
            assert await unit.catalog.get_job(job.tenant, job.id) == job
            assert await unit.catalog.find_job(job.tenant, "shop") == job
            assert await unit.catalog.find_job(job.tenant, "SHOP") is None

    async def test_what_does_not_exist_is_not_found(self) -> None:
        """An id that nobody has is an error, a name that nobody has is None."""
        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.catalog.get_job(DEFAULT_TENANT, JobId(new_uuid()))
            assert await unit.catalog.find_job(DEFAULT_TENANT, "nobody") is None
            assert await unit.catalog.list_jobs(DEFAULT_TENANT) == []

    async def test_another_tenants_job_does_not_exist(self) -> None:
        """It cannot be read, found, listed, described or moved."""
        job = await self.add_job()

        async with self.given.units.begin() as unit:
            catalog = unit.catalog
            assert await catalog.find_job(OTHER_TENANT, job.name) is None
            assert await catalog.list_jobs(OTHER_TENANT) == []
            with pytest.raises(NotFound):
                await catalog.get_job(OTHER_TENANT, job.id)
            with pytest.raises(NotFound):
                await catalog.describe_job(
                    OTHER_TENANT, job.id, name="mine", description=None, now=EPOCH
                )
        for verb in VERBS:
            async with self.given.units.begin() as unit:
                with pytest.raises(NotFound):
                    await move_job(unit.catalog, verb, replace(job, tenant=OTHER_TENANT))
        assert await self.read(job) == job

    async def test_names_are_unique_within_a_tenant(self) -> None:
        """A second job of the name is refused; another tenant may have it."""
        await self.add_job("shop")

        with pytest.raises(NameTaken) as refusal:
            await self.add_job("shop")
        assert refusal.value.name == "shop"
        await self.add_job("shop", tenant=OTHER_TENANT)

    async def test_names_are_unique_among_concurrent_writers(self) -> None:
        """Of several who take a name at once, one gets it."""
        handles = [await self.given.another() for _ in range(3)]

        results = await asyncio.gather(
            *(_take_name(handle, "shop") for handle in handles), return_exceptions=True
        )

        assert [type(each) for each in results if each is not None] == [NameTaken, NameTaken]

    async def test_an_archived_job_frees_its_name(self) -> None:
        """Names are unique among the unarchived; the archived one is not found by it."""
        old = await self.add_job("shop")
        await self.move("archive", old)

        new = await self.add_job("shop")

        async with self.unit() as unit:
            assert await unit.catalog.find_job(DEFAULT_TENANT, "shop") == new

    async def test_a_job_is_not_restored_into_a_taken_name(self) -> None:
        """Whose name is in use by now stays archived."""
        old = await self.add_job("shop")
        await self.move("archive", old)
        await self.add_job("shop")

        with pytest.raises(NameTaken):
            await self.move("restore", old)

        assert (await self.read(old)).state is JobState.ARCHIVED

    async def test_jobs_are_listed_page_by_page(self) -> None:
        """Pages come in the order of the ids, none twice and none left out, archived ones too."""
        jobs = [await self.add_job(f"job {number}") for number in range(5)]
        await self.move("archive", jobs[1])
        await self.add_job(tenant=OTHER_TENANT)
        seen: list[JobId] = []
        async with self.unit() as unit:
            while page := await unit.catalog.list_jobs(
                DEFAULT_TENANT, limit=2, after=seen[-1] if seen else None
            ):
                assert len(page) <= 2
                seen += [job.id for job in page]

        assert seen == sorted(job.id for job in jobs)

    async def test_a_job_is_described_anew(self) -> None:
        """Name and description can be set and cleared."""
        job = await self.add_job()
        async with self.unit() as unit:
            described = await unit.catalog.describe_job(
                job.tenant, job.id, name="store", description="sells", now=at("12:00:05")
            )

        assert (described.name, described.description) == ("store", "sells")
        assert described.updated_at == at("12:00:05")
        assert await self.read(job) == described
        async with self.unit() as unit:
            cleared = await unit.catalog.describe_job(
                job.tenant, job.id, name="store", description=None, now=at("12:00:06")
            )
            assert cleared.description is None
            assert await unit.catalog.find_job(job.tenant, "shop") is None

    async def test_describing_the_same_changes_nothing(self) -> None:
        """The same words again leave the job as it was, trap T50."""
        job = await self.add_job()

        async with self.unit() as unit:
            same = await unit.catalog.describe_job(
                job.tenant, job.id, name=job.name, description=job.description, now=at("13:00:00")
            )

        assert same == job == await self.read(job)

    async def test_a_taken_name_is_refused_to_an_old_job(self) -> None:
        """Renaming meets the same rule as adding."""
        await self.add_job("shop")
        job = await self.add_job("store")

        async with self.given.units.begin() as unit:
            with pytest.raises(NameTaken):
                await unit.catalog.describe_job(
                    job.tenant, job.id, name="shop", description=None, now=EPOCH
                )

    @pytest.mark.parametrize(
        ("before", "verb", "after"),
        [
            ([], "pause", JobState.PAUSED),
            (["pause"], "pause", JobState.PAUSED),
            (["pause"], "resume", JobState.ACTIVE),
            ([], "resume", JobState.ACTIVE),
            ([], "archive", JobState.ARCHIVED),
            (["pause"], "archive", JobState.ARCHIVED),
            (["archive"], "archive", JobState.ARCHIVED),
            (["archive"], "restore", JobState.ACTIVE),
            (["pause", "archive"], "restore", JobState.ACTIVE),
        ],
    )
    async def test_jobs_move_between_states(
        self, before: list[str], verb: str, after: JobState
    ) -> None:
        """Pause, resume, archive and restore are a state machine, which is stored."""
        job = await self.add_job()
        for each in before:
            await self.move(each, job)

        moved = await self.move(verb, job)

        assert moved.state is after
        assert (moved.archived_at is None) == (after is not JobState.ARCHIVED)
        assert await self.read(job) == moved

    @pytest.mark.parametrize(
        ("before", "verb"),
        [(["archive"], "pause"), (["archive"], "resume"), ([], "restore"), (["pause"], "restore")],
    )
    async def test_other_moves_are_forbidden(self, before: list[str], verb: str) -> None:
        """Archived is final but for a restore, and only an archived job is restored."""
        job = await self.add_job()
        for each in before:
            await self.move(each, job)
        stands = await self.read(job)

        with pytest.raises(ForbiddenTransition):
            await self.move(verb, job)

        assert await self.read(job) == stands

    async def test_moving_twice_changes_nothing(self) -> None:
        """The second archive of a job keeps the instant of the first."""
        job = await self.add_job()
        archived = await self.move("archive", job)

        async with self.unit() as unit:
            again = await unit.catalog.archive_job(job.tenant, job.id, now=at("15:00:00"))

        assert again == archived

    @pytest.mark.parametrize("verb", ["pause", "archive"])
    async def test_a_stopped_jobs_endpoints_are_not_claimable(self, verb: str) -> None:
        """All of them are out of the claim at once."""
        job = await self.add_job()
        for name in ("a", "b"):
            await self.add(an_endpoint(job, name))

        await self.move(verb, job)

        await self.expect_nothing_due(FIRST_SLOT + HOUR)
        assert await self.queue.next_due() is None

    async def test_a_resumed_jobs_endpoints_are_claimable_at_once(self) -> None:
        """Each runs its newest missed slot, once."""
        job = await self.add_job()
        for name in ("a", "b"):
            await self.add(an_endpoint(job, name, schedule=every(HOUR)))
        await self.move("pause", job)

        async with self.unit() as unit:
            await unit.catalog.resume_job(job.tenant, job.id, now=at("15:30:00"))

        batch = await self.claim(at("15:30:00"))
        assert [run.plan.decision.slot for run in batch.runs] == [at("15:00:00")] * 2

    async def test_a_restored_jobs_endpoints_are_planned_from_now(self) -> None:
        """Slots that passed while it was archived are coalesced, and not run."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(HOUR)))
        await self.move("archive", job)

        async with self.unit() as unit:
            await unit.catalog.restore_job(job.tenant, job.id, now=at("15:30:00", day=2))

        await self.expect_nothing_due(at("15:59:59", day=2))
        assert await self.next_slot(endpoint) == at("16:00:00", day=2)
        (record,) = await self.records(endpoint)
        assert (record.first, record.last) == (at("13:00:00"), at("15:00:00", day=2))

    async def test_a_restored_job_keeps_its_endpoints_pauses(self) -> None:
        """Restoring a job resumes none of its paused endpoints."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:05"))
        async with self.unit() as unit:
            await unit.catalog.archive_job(endpoint.tenant, endpoint.job_id, now=at("12:00:10"))

        async with self.unit() as unit:
            await unit.catalog.restore_job(endpoint.tenant, endpoint.job_id, now=at("12:00:20"))

        await self.expect_nothing_due(EPOCH + DAY)


async def _take_name(handle: Store, name: str) -> None:
    async with handle.units.begin() as unit:
        await unit.catalog.add_job(a_job(name))
        await unit.commit()
