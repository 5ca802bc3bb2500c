"""Runs that a quota refuses: put off once, recorded, not lost, and in nobody's way."""

from dataclasses import replace
from datetime import datetime, timedelta

from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, Misfire, MisfirePolicy
from cronicorn_domain.model.run import OutcomeClass, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.explaining import explain
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Deferral, Settled
from cronicorn_domain.testing.builders import (
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    an_endpoint,
    answered,
    at,
    once,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

UNTIL = at("13:00:00")
WHY = "its tenant's runs of this month are used up (100)"


class EndpointQueueDeferralContract(StoreSuite):
    """A release with a deferral: until its end the endpoint is left alone."""

    async def defer(self, run: ClaimedRun, now: datetime, *, until: datetime = UNTIL) -> Settled:
        """Give a claim back, and put its endpoint off."""
        token, deferral = run.lease.token, Deferral(until=until, reason=WHY)
        return (await self.queue.release([token], now=now, deferral=deferral))[token]

    async def deferred_minutely(self) -> Endpoint:
        """Keep an endpoint of one minute whose first slot was put off by an hour."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        assert await self.defer(run, FIRST_SLOT) is Settled.ACCEPTED
        return endpoint

    async def test_it_is_not_claimed_again_before_the_end(self) -> None:
        """Trap T02: one claim, and then none until the end, which is when it is due: trap T44."""
        endpoint = await self.deferred_minutely()

        for now in (FIRST_SLOT, FIRST_SLOT + MINUTE, UNTIL - timedelta(microseconds=1)):
            batch = await self.claim(now)
            assert (batch.runs, batch.passed, batch.held_back) == ((), 0, 0)
        assert await self.queue.next_due() == UNTIL
        assert (await self.claim_one(UNTIL)).endpoint.id == endpoint.id

    async def test_what_was_put_off_comes_back_when_it_is_lifted(self) -> None:
        """Once, with the newest slot; the others are recorded, and the rhythm goes on."""
        endpoint = await self.deferred_minutely()
        now = FIRST_SLOT + 5 * MINUTE + SECOND
        async with self.unit() as unit:
            found = await unit.catalog.list_out_of_runs(limit=10, now=now)
            assert found == [(endpoint.tenant, endpoint.id)]
            await unit.catalog.lift(endpoint.tenant, endpoint.id, now=now)

        run = await self.run_once(now)
        assert run.plan.slot == FIRST_SLOT + 5 * MINUTE
        assert (await self.decision(endpoint)).slot == FIRST_SLOT + 6 * MINUTE
        assert sum(each.count for each in await self.records(endpoint)) == 5
        async with self.unit() as unit:
            assert await unit.catalog.list_out_of_runs(limit=10, now=now) == []

    async def test_only_what_a_quota_has_put_off_is_lifted(self) -> None:
        """What a target or a moment's rush has put off ends by itself."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        rush = Deferral(until=UNTIL, reason="its tenant starts runs too fast")
        await self.queue.release([run.lease.token], now=FIRST_SLOT, deferral=rush)

        async with self.unit() as unit:
            assert await unit.catalog.list_out_of_runs(limit=10, now=FIRST_SLOT) == []
            await unit.catalog.lift(endpoint.tenant, endpoint.id, now=FIRST_SLOT + SECOND)
        assert await self.queue.next_due() == UNTIL

    async def test_it_takes_no_place_of_others(self) -> None:
        """Trap T02: a claim of one finds the one that may run, however many were put off."""
        job = await self.add_job()
        for number in range(5):
            await self.add(an_endpoint(job, f"over {number}"))
        for run in (await self.claim(FIRST_SLOT)).runs:
            await self.defer(run, FIRST_SLOT)
        free = await self.add(an_endpoint(job, "free", created_at=FIRST_SLOT))

        batch = await self.claim(FIRST_SLOT + MINUTE, limit=1)

        assert [run.endpoint.id for run in batch.runs] == [free.id]

    async def test_the_run_is_canceled_and_says_why(self) -> None:
        """Nothing was sent: it is no failure, no loss and no occurrence."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)

        await self.defer(run, FIRST_SLOT)

        row = await self.run_row(run)
        assert (row.status, row.outcome_class) == (RunStatus.CANCELED, OutcomeClass.NOT_ATTEMPTED)
        assert row.message == f"deferred to 2025-01-01 13:00:00 UTC, since {WHY}"
        state = await self.state(endpoint)
        assert (state.failures, state.run_count) == (0, 0)
        assert (state.not_before, state.not_before_reason) == (UNTIL, WHY)

    async def test_every_slot_that_passes_is_recorded_as_deferred(self) -> None:
        """No slot is lost without a record: one of all that passed, with the reason."""
        endpoint = await self.deferred_minutely()

        run = await self.claim_one(UNTIL)

        assert run.plan.decision.slot == UNTIL
        (record,) = await self.records(endpoint)
        assert record.fate is Fate.DEFERRED
        assert (record.first, record.last, record.count) == (FIRST_SLOT, UNTIL - MINUTE, 59)
        assert WHY in record.reason

    async def test_then_its_rhythm_goes_on(self) -> None:
        """One run at the end, and back to the grid: no storm."""
        endpoint = await self.deferred_minutely()

        await self.run_once(UNTIL)

        assert await self.next_slot(endpoint) == UNTIL + MINUTE
        await self.expect_nothing_due(UNTIL + MINUTE - SECOND)

    async def test_no_policy_of_misfires_makes_a_storm_of_it(self) -> None:
        """Under every policy one run follows, then the next slot of the grid."""
        for policy in MisfirePolicy:
            job = await self.add_job(policy.value)
            misfire = Misfire(policy=policy)
            endpoint = await self.add(an_endpoint(job, policy.value, misfire=misfire))
            await self.defer(await self.claim_one(FIRST_SLOT), FIRST_SLOT)
            await self.run_once(UNTIL)

            assert await self.next_slot(endpoint) == UNTIL + MINUTE
            await self.archive(endpoint, UNTIL + SECOND)

    async def test_an_edit_does_not_bring_it_back(self) -> None:
        """Trap T02: whatever is written meanwhile, the end of the deferral stays."""
        endpoint = await self.deferred_minutely()
        edited = replace(endpoint, guardrails=Guardrails(longest=10 * MINUTE))

        await self.change(edited, FIRST_SLOT + SECOND)
        await self.pause(endpoint, FIRST_SLOT + 2 * SECOND)
        await self.resume(endpoint, FIRST_SLOT + 3 * SECOND)

        await self.expect_nothing_due(UNTIL - SECOND)
        assert await self.queue.next_due() == UNTIL

    async def test_a_run_by_hand_waits_too(self) -> None:
        """What a person asks for costs as much as any other run; its own life ends as ever."""
        endpoint = await self.deferred_minutely()
        await self.run_now(endpoint, FIRST_SLOT + SECOND)

        await self.expect_nothing_due(UNTIL - SECOND)
        run = await self.claim_one(UNTIL)
        assert run.plan.kind is Kind.MANUAL
        assert run.plan.decision.due_at == UNTIL

    async def test_a_longer_wait_stands(self) -> None:
        """A deferral never brings anything forward."""
        endpoint = await self.add_minutely()
        await self.run_once(FIRST_SLOT, answered(503, Retry_After="3000"))
        wait = (await self.state(endpoint)).not_before
        assert wait is not None
        run = await self.claim_one(wait)

        await self.defer(run, wait, until=wait - MINUTE)

        assert (await self.state(endpoint)).not_before == wait

    async def test_a_single_instant_runs_at_the_end(self) -> None:
        """What comes but once is not lost: it waits."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=once(FIRST_SLOT)))
        await self.defer(await self.claim_one(FIRST_SLOT), FIRST_SLOT)

        run = await self.run_once(UNTIL)

        assert (run.plan.decision.slot, run.plan.attempt) == (FIRST_SLOT, 2)
        assert (await self.state(endpoint)).next_plan is None

    async def test_a_single_run_that_would_end_before_is_over(self) -> None:
        """A one-shot waits as long as it lives; the schedule goes on behind the deferral."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        run = await self.claim_one(at("12:00:30"))
        assert run.plan.kind is Kind.ONESHOT

        await self.defer(run, at("12:00:30"), until=UNTIL + HOUR)

        await self.expect_nothing_due(UNTIL + HOUR - SECOND)
        batch = await self.claim(UNTIL + HOUR)
        if not batch.runs:  # it was planned anew, without the one-shot
            batch = await self.claim(UNTIL + HOUR)
        (again,) = batch.runs
        assert (again.plan.kind, again.plan.decision.slot) == (Kind.RECURRING, UNTIL + HOUR)

    async def test_a_stale_token_puts_nothing_off(self) -> None:
        """Trap T07: whoever has lost the lease writes nothing."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        await self.release(run, FIRST_SLOT)

        assert await self.defer(run, FIRST_SLOT) is Settled.LOST
        assert (await self.state(endpoint)).not_before is None

    async def test_it_is_shown_as_deferred(self) -> None:
        """People are told until when, and why."""
        endpoint = await self.deferred_minutely()

        async with self.unit() as unit:
            situation = await unit.catalog.get_situation(endpoint.tenant, endpoint.id)
        told = explain(situation, FIRST_SLOT)
        assert told.condition is Condition.DEFERRED
        assert WHY in told.sentence
