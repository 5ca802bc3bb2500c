"""Units of work: all or nothing, and nothing seen before its time."""

import pytest

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.job import Job
from cronicorn_domain.testing.builders import (
    EPOCH,
    SECOND,
    a_job,
    a_oneshot,
    a_trigger,
    an_endpoint,
    an_interval_hint,
    at,
)
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite


class UnitOfWorkContract(StoreSuite):
    """The caller commits or rolls back; the stores take part."""

    async def sees(self, handle: Store, job: Job) -> bool:
        """Say whether a job can be seen through a handle."""
        async with handle.units.begin() as unit:
            return await unit.catalog.find_job(job.tenant, job.name) is not None

    async def test_a_commit_makes_it_last(self) -> None:
        """What was committed is seen by others at once."""
        job = a_job()
        async with self.given.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.commit()

        assert await self.sees(await self.given.another(), job)

    async def test_a_unit_sees_its_own_writes(self) -> None:
        """Within the unit all stores read what was written in it."""
        job = a_job()
        endpoint = an_endpoint(job)
        hint = an_interval_hint(5 * SECOND)
        async with self.given.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
            await unit.hints.offer(job.tenant, endpoint.id, hint, now=EPOCH)

            assert await unit.catalog.list_jobs(job.tenant) == [job]
            assert await unit.catalog.list_endpoints(job.tenant, job.id) == [endpoint]
            situation = await unit.catalog.get_situation(job.tenant, endpoint.id)
            assert situation.hints == (hint,)
            assert situation.state.plan is not None
            assert situation.state.plan.slot == EPOCH + 5 * SECOND
            (record,) = await unit.hints.history(job.tenant, endpoint.id, now=EPOCH)
            assert record.hint == hint
            assert await unit.runs.list_runs(job.tenant, endpoint.id) == []

    async def test_a_unit_that_reads_sees_what_is_committed_meanwhile(self) -> None:
        """It writes nothing, and says so before anything is locked."""
        job = a_job()
        async with self.given.units.begin_reading() as unit:
            assert await unit.catalog.find_job(job.tenant, job.name) is None
            with pytest.raises(RuntimeError, match="only reads"):
                await unit.catalog.add_job(job)

        async with self.given.units.begin_reading() as unit:
            await self.add_a_job(job)
            assert await unit.catalog.find_job(job.tenant, job.name) == job

    async def add_a_job(self, job: Job) -> None:
        """Add it through another handle, and commit."""
        handle = await self.given.another()
        async with handle.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.commit()

    async def test_leaving_without_commit_leaves_nothing(self) -> None:
        """A unit that just ends is undone, in all of its stores."""
        endpoint = await self.add_minutely()
        state, stored = await self.state(endpoint), await self.stored(endpoint)

        async with self.given.units.begin() as unit:
            await unit.catalog.add_job(a_job("other"))
            await unit.catalog.archive_endpoint(endpoint.tenant, endpoint.id, now=at("12:00:10"))

        assert await self.state(endpoint) == state
        assert await self.stored(endpoint) == stored
        assert not await self.sees(self.given, a_job("other"))

    async def test_an_exception_leaves_nothing(self) -> None:
        """Whatever goes wrong in the block undoes the unit, and goes on to the caller."""
        job = a_job()

        with pytest.raises(ZeroDivisionError):
            await self._add_and_fail(job)

        assert not await self.sees(self.given, job)
        await self.add_job(job.name)

    async def test_a_rollback_leaves_nothing(self) -> None:
        """Undone on request, plans and hints are as they were, and nothing is due by them."""
        endpoint = await self.add_minutely()
        async with self.given.units.begin() as unit:
            hint = an_interval_hint(2 * SECOND)
            await unit.hints.offer(endpoint.tenant, endpoint.id, hint, now=EPOCH)
            oneshot = a_oneshot(at("12:00:05"))
            await unit.hints.offer(endpoint.tenant, endpoint.id, oneshot, now=EPOCH)
            await unit.hints.trigger(endpoint.tenant, endpoint.id, a_trigger(EPOCH), now=EPOCH)
            await unit.rollback()

        assert await self.queue.next_due() == FIRST_SLOT
        await self.expect_nothing_due(at("12:00:59"))
        async with self.unit() as unit:
            assert await unit.hints.history(endpoint.tenant, endpoint.id, now=EPOCH) == []

    async def test_a_cleared_hint_comes_back_with_a_rollback(self) -> None:
        """What a unit has ended is active again when the unit is undone."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, an_interval_hint(20 * SECOND))
        async with self.given.units.begin() as unit:
            assert await unit.hints.clear(endpoint.tenant, endpoint.id, now=EPOCH) == 1
            await unit.rollback()

        assert await self.next_slot(endpoint) == EPOCH + 20 * SECOND
        assert await self.clear_hints(endpoint, EPOCH) == 1

    async def test_pruned_history_comes_back_with_a_rollback(self) -> None:
        """Deleting history takes part in the unit like everything else."""
        endpoint = await self.add_minutely()
        run = await self.run_once(FIRST_SLOT, lasts=90 * SECOND)
        async with self.given.units.begin() as unit:
            pruned = await unit.runs.prune(before=at("18:00:00"), limit=10, now=at("18:00:00"))
            assert (pruned.runs, pruned.slot_records) == (1, 1)
            assert await unit.runs.list_runs(endpoint.tenant, endpoint.id) == []
            assert await unit.runs.list_slot_records(endpoint.tenant, endpoint.id) == []
            with pytest.raises(NotFound):
                await unit.runs.get(endpoint.tenant, run.lease.run_id)
            await unit.rollback()

        assert len(await self.runs(endpoint)) == 1
        assert len(await self.records(endpoint)) == 1

    async def test_nothing_is_seen_before_the_commit(self) -> None:
        """Others see what was, until the commit, and then all of it."""
        job = a_job()
        other = await self.given.another()
        async with self.given.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(an_endpoint(job), now=EPOCH)

            assert not await self.sees(other, job)
            await unit.commit()

            assert await self.sees(other, job)
        async with other.units.begin() as unit:
            assert len(await unit.catalog.list_endpoints(DEFAULT_TENANT, job.id)) == 1

    async def test_a_plan_is_not_due_before_the_commit(self) -> None:
        """What a queue looks at is what was committed."""
        endpoint = await self.add_minutely()
        other = await self.given.another()
        async with self.given.units.begin() as unit:
            trigger = a_trigger(at("12:00:10"))
            await unit.hints.trigger(endpoint.tenant, endpoint.id, trigger, now=at("12:00:10"))

            assert await other.queue.next_due() == FIRST_SLOT
            await unit.commit()

        assert await other.queue.next_due() == at("12:00:10")

    async def test_units_follow_one_another(self) -> None:
        """A unit begun after another's end builds on it."""
        for number in range(3):
            await self.add_job(f"job {number}")

        async with self.unit() as unit:
            names = [job.name for job in await unit.catalog.list_jobs(DEFAULT_TENANT)]
        assert names == ["job 0", "job 1", "job 2"]

    async def test_a_rollback_of_nothing_is_harmless(self) -> None:
        """Undoing twice, or with nothing to undo, does nothing."""
        async with self.given.units.begin() as unit:
            await unit.rollback()
            await unit.rollback()

    async def test_a_rollback_after_the_commit_undoes_nothing(self) -> None:
        """What was committed stays."""
        job = a_job()
        async with self.given.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.commit()
            await unit.rollback()

        assert await self.sees(self.given, job)

    @pytest.mark.parametrize("verb", ["commit", "rollback"])
    async def test_a_unit_that_is_over_is_over(self, verb: str) -> None:
        """Using its stores after the end is an error of the caller's."""
        async with self.given.units.begin() as unit:
            await unit.catalog.add_job(a_job())
            await (unit.commit() if verb == "commit" else unit.rollback())

            with pytest.raises(RuntimeError):
                await unit.catalog.list_jobs(DEFAULT_TENANT)
            with pytest.raises(RuntimeError):
                await unit.catalog.add_job(a_job("other"))

    async def _add_and_fail(self, job: Job) -> None:
        async with self.given.units.begin() as unit:
            await unit.catalog.add_job(job)
            raise ZeroDivisionError
