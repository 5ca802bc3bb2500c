"""Claims that are undone: nothing was sent, and nothing is lost."""

import pytest

from cronicorn_domain.identity import HintId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import TriggerKind
from cronicorn_domain.model.run import OutcomeClass, RunStatus
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Settled, StartRefusal
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord
from cronicorn_domain.testing.builders import SECOND, a_oneshot, at
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite


class EndpointQueueReleaseContract(StoreSuite):
    """Releasing, a refused start and the reaping of an unstarted run all undo the claim."""

    async def only_hint(self, endpoint: Endpoint) -> HintRecord:
        """Read the one hint there is."""
        async with self.unit() as unit:
            now = at("12:00:30")
            (record,) = await unit.hints.history(endpoint.tenant, endpoint.id, now=now)
        return record

    async def expect_undone(self, run: ClaimedRun, endpoint: Endpoint) -> None:
        """Expect a canceled run without failure, and nothing else."""
        row = await self.run_row(run)
        assert (row.status, row.outcome_class) == (RunStatus.CANCELED, OutcomeClass.NOT_ATTEMPTED)
        assert (await self.state(endpoint)).failures == 0
        assert (await self.state(endpoint)).run_count == 0

    async def test_a_released_slot_is_due_again(self) -> None:
        """The same slot comes back at once with the next attempt, trap T48."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)

        assert await self.release(run, FIRST_SLOT + SECOND) is Settled.ACCEPTED

        await self.expect_undone(run, endpoint)
        again = await self.claim_one(FIRST_SLOT + SECOND)
        assert (again.plan.decision.slot, again.plan.attempt) == (FIRST_SLOT, 2)

    async def test_releases_are_no_losses(self) -> None:
        """However often a slot is given back, it is never given up, trap T48."""
        endpoint = await self.add_minutely()
        for number in range(5):
            await self.release(await self.claim_one(FIRST_SLOT), FIRST_SLOT)
            assert (await self.state(endpoint)).failures == 0, number

        run = await self.run_once(FIRST_SLOT)
        assert (run.plan.decision.slot, run.plan.attempt) == (FIRST_SLOT, 6)

    async def test_a_consumed_oneshot_is_pending_again(self) -> None:
        """What the claim consumed can be claimed anew, trap T48."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        run = await self.claim_one(at("12:00:30"))
        consumed = await self.only_hint(endpoint)
        assert (consumed.end, consumed.run_id) == (HintEnd.CONSUMED, run.lease.run_id)

        await self.release(run, at("12:00:30"))

        pending = await self.only_hint(endpoint)
        assert (pending.end, pending.ended_at, pending.run_id) == (None, None, None)
        again = await self.run_once(at("12:00:30"))
        assert (again.plan.kind, again.plan.attempt) == (Kind.ONESHOT, 2)
        assert (await self.only_hint(endpoint)).run_id == again.lease.run_id

    @pytest.mark.parametrize("undo", ["release", "reap", "pause"])
    async def test_a_oneshot_cleared_meanwhile_stays_cleared(self, undo: str) -> None:
        """A person's clear takes effect at once, also between a claim and its end unstarted."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        run = await self.claim_one(at("12:00:30"))

        assert await self.clear_hints(endpoint, at("12:00:31")) == 1

        assert (await self.only_hint(endpoint)).end is HintEnd.CONSUMED
        if undo == "release":
            await self.release(run, at("12:00:32"))
        elif undo == "reap":
            await self.reap(at("12:00:30") + LEASE)
        else:
            await self.pause(endpoint, at("12:00:32"), until=at("12:00:40"))
            assert await self.start(run, at("12:00:33")) is StartRefusal.PAUSED
        record = await self.only_hint(endpoint)
        assert (record.end, record.ended_at) == (HintEnd.CLEARED, at("12:00:31"))
        assert record.run_id is None
        assert await self.next_slot(endpoint) == FIRST_SLOT
        await self.expect_nothing_due(at("12:00:59"))

    async def test_a_clear_by_id_reaches_what_a_claim_holds(self) -> None:
        """Of two one-shots that a claim has consumed the one that was meant stays cleared."""
        endpoint = await self.add_minutely()
        kept, cleared = a_oneshot(at("12:00:30")), a_oneshot(at("12:00:30"))
        await self.offer(endpoint, kept)
        await self.offer(endpoint, cleared)
        run = await self.claim_one(at("12:00:30"))

        assert await self.clear_one(endpoint, cleared.id) == 1
        assert await self.clear_one(endpoint, cleared.id) == 0

        await self.release(run, at("12:00:32"))
        async with self.unit() as unit:
            now = at("12:00:32")
            records = await unit.hints.history(endpoint.tenant, endpoint.id, now=now)
        ends = {record.hint.id: record.end for record in records}
        assert ends == {kept.id: None, cleared.id: HintEnd.CLEARED}

    async def clear_one(self, endpoint: Endpoint, hint_id: HintId) -> int:
        """Clear a hint of the endpoint, and return how many there were."""
        async with self.unit() as unit:
            now = at("12:00:31")
            return await unit.hints.clear(endpoint.tenant, endpoint.id, now=now, hint_id=hint_id)

    async def test_a_clear_undoes_no_run(self) -> None:
        """A one-shot whose run starts all the same has been served by it."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        run = await self.claim_one(at("12:00:30"))
        await self.clear_hints(endpoint, at("12:00:31"))

        assert await self.start(run, at("12:00:31")) is None
        await self.settle(run, at("12:00:32"))

        record = await self.only_hint(endpoint)
        assert (record.end, record.run_id) == (HintEnd.CONSUMED, run.lease.run_id)

    async def test_what_runs_is_not_cleared(self) -> None:
        """A one-shot whose run has started is consumed for good."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        await self.start_one(at("12:00:30"))

        assert await self.clear_hints(endpoint, at("12:00:31")) == 0

    async def test_a_consumed_trigger_is_pending_again(self) -> None:
        """A run asked for by hand survives a release, trap T48."""
        endpoint = await self.add_minutely()
        await self.run_now(endpoint, at("12:00:10"))
        run = await self.claim_one(at("12:00:10"))

        await self.release(run, at("12:00:11"))

        again = await self.run_once(at("12:00:11"))
        assert (again.plan.kind, again.plan.attempt) == (Kind.MANUAL, 2)
        await self.expect_nothing_due(at("12:00:59"))

    async def test_a_trigger_given_back_is_there_for_whatever_plans_anew(self) -> None:
        """It is pending again, and not only the plan that it had made: trap T48."""
        endpoint = await self.add_minutely()
        await self.run_now(endpoint, at("12:00:10"))
        run = await self.claim_one(at("12:00:10"))
        await self.release(run, at("12:00:11"))

        async with self.unit() as unit:
            situation = await unit.catalog.get_situation(endpoint.tenant, endpoint.id)
        assert [each.kind for each in situation.triggers] == [TriggerKind.MANUAL]
        await self.offer(endpoint, a_oneshot(at("12:00:50")))

        again = await self.run_once(at("12:00:12"))
        assert again.plan.kind is Kind.MANUAL

    async def test_a_started_run_is_not_released(self) -> None:
        """What may have been sent is settled or reaped, and not undone."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        assert await self.release(run, FIRST_SLOT + SECOND) is Settled.LOST

        await self.expect_nothing_due(FIRST_SLOT + SECOND)
        assert await self.settle(run, FIRST_SLOT + SECOND) is Settled.ACCEPTED

    async def test_an_unstarted_run_is_given_back_by_the_reaper(self) -> None:
        """A worker that died before the start has lost nothing, trap T48."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)

        (reaped,) = await self.queue.reap(limit=1, now=FIRST_SLOT + LEASE)

        assert reaped.given_back
        await self.expect_undone(run, endpoint)
        again = await self.claim_one(FIRST_SLOT + LEASE)
        assert (again.plan.decision.slot, again.plan.attempt) == (FIRST_SLOT, 2)

    async def test_a_reaped_unstarted_oneshot_is_pending_again(self) -> None:
        """The reaper gives back what the lost claim had consumed, trap T48."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        await self.claim_one(at("12:00:30"))
        await self.reap(at("12:00:30") + LEASE)

        assert (await self.only_hint(endpoint)).end is None

        assert (await self.claim_one(at("12:00:40"))).plan.kind is Kind.ONESHOT

    @pytest.mark.parametrize("verb", ["pause", "archive"])
    async def test_a_job_that_stops_refuses_the_start(self, verb: str) -> None:
        """Pausing or archiving a job between claim and start stops the request, trap T14."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        async with self.unit() as unit:
            stop = unit.catalog.pause_job if verb == "pause" else unit.catalog.archive_job
            await stop(endpoint.tenant, endpoint.job_id, now=FIRST_SLOT)

        refusal = await self.start(run, FIRST_SLOT + SECOND)

        assert refusal is (StartRefusal.PAUSED if verb == "pause" else StartRefusal.ARCHIVED)
        await self.expect_undone(run, endpoint)
        await self.expect_nothing_due(FIRST_SLOT + SECOND)

    async def test_a_pause_refuses_the_start(self) -> None:
        """A pause between claim and start stops the request, and gives the slot back, trap T14."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        await self.pause(endpoint, FIRST_SLOT)

        assert await self.start(run, FIRST_SLOT + SECOND) is StartRefusal.PAUSED

        await self.expect_undone(run, endpoint)
        await self.expect_nothing_due(FIRST_SLOT + SECOND)
        await self.resume(endpoint, FIRST_SLOT + 2 * SECOND)
        again = await self.claim_one(FIRST_SLOT + 2 * SECOND)
        assert (again.plan.decision.slot, again.plan.attempt) == (FIRST_SLOT, 2)

    async def test_a_start_that_is_asked_for_again_meets_the_pause(self) -> None:
        """Its first answer was lost and nothing sent: the run never started, trap T14."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        assert await self.start(run, FIRST_SLOT) is None
        await self.pause(endpoint, FIRST_SLOT)

        assert await self.start(run, FIRST_SLOT + SECOND) is StartRefusal.PAUSED

        await self.expect_undone(run, endpoint)
        assert (await self.run_row(run)).started_at is None

    async def test_an_archive_refuses_the_start(self) -> None:
        """An archive between claim and start stops the request for good, trap T14."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        await self.archive(endpoint, FIRST_SLOT)

        assert await self.start(run, FIRST_SLOT + SECOND) is StartRefusal.ARCHIVED

        await self.expect_undone(run, endpoint)
        await self.expect_nothing_due(FIRST_SLOT + SECOND)

    async def test_a_pause_that_ends_now_refuses_nothing(self) -> None:
        """At its end a pause is over, for the start as for the claim, trap T44."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        await self.pause(endpoint, FIRST_SLOT, until=FIRST_SLOT + SECOND)

        assert await self.start(run, FIRST_SLOT + SECOND) is None

    async def test_a_refused_start_gives_its_oneshot_back(self) -> None:
        """What a refused claim had consumed is pending again, trap T48."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        run = await self.claim_one(at("12:00:30"))
        await self.pause(endpoint, at("12:00:30"))

        await self.start(run, at("12:00:30"))

        assert (await self.only_hint(endpoint)).end is None
        await self.resume(endpoint, at("12:00:40"))
        assert (await self.claim_one(at("12:00:40"))).plan.kind is Kind.ONESHOT

    async def test_a_siblings_trigger_starts_on_a_paused_endpoint(self) -> None:
        """The pause does not refuse what may fire in spite of it."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:05"))
        await self.run_now(endpoint, at("12:00:10"), kind=TriggerKind.SIBLING)
        run = await self.claim_one(at("12:00:10"))

        assert run.plan.kind is Kind.TRIGGER
        assert await self.start(run, at("12:00:10")) is None
