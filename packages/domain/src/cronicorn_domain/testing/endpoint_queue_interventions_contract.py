"""What a person or a rule does takes effect at once: between runs, and during one."""

from dataclasses import replace

import pytest

from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.endpoint import Endpoint, Guardrails
from cronicorn_domain.model.hint import Author, TriggerKind
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.testing.builders import (
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    an_endpoint,
    an_interval_hint,
    at,
    every,
    failed,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite


class EndpointQueueInterventionsContract(StoreSuite):
    """Writes between runs count at once; writes during a run survive its settle."""

    async def add_hourly(self) -> Endpoint:
        """Keep an endpoint of one hour, whose first slot is 13:00:00."""
        return await self.add(an_endpoint(await self.add_job(), schedule=every(HOUR)))

    async def test_a_hint_between_runs_counts_at_once(self) -> None:
        """The planned time is no gate: a tighter rhythm begins now, trap T01."""
        endpoint = await self.add_hourly()
        await self.run_once(at("13:00:00"))

        await self.offer(endpoint, an_interval_hint(MINUTE, created_at=at("13:10:00")))

        run = await self.claim_one(at("13:10:00"))
        assert run.plan.decision.source is Source.AI_INTERVAL

    async def test_a_run_now_between_runs_counts_at_once(self) -> None:
        """A run by hand is due on the instant, and the schedule goes on as before, trap T01."""
        endpoint = await self.add_hourly()

        await self.run_now(endpoint, at("12:20:00"))

        run = await self.run_once(at("12:20:00"))
        assert (run.plan.kind, run.plan.decision.source) == (Kind.MANUAL, Source.MANUAL)
        assert await self.next_slot(endpoint) == at("13:00:00")

    async def test_a_run_goes_on_with_the_trace_of_who_asked_for_it(self) -> None:
        """Given back or lost, the next attempt is still what was asked for; what follows is not."""
        endpoint = await self.add_hourly()
        trace = Trace(id="4bf92f3577b34da6a3ce929d0e0e4736", span="00f067aa0ba902b7")
        await self.run_now(endpoint, at("12:20:00"), trace=trace)

        first = await self.claim_one(at("12:20:00"))
        await self.queue.release([first.lease.token], now=at("12:20:01"))
        second = await self.claim_one(at("12:20:02"))
        await self.queue.start([second.lease.token], now=at("12:20:02"))
        await self.queue.reap(limit=1, now=second.lease.until)
        third = await self.run_once(second.lease.until + SECOND)
        behind = await self.claim_one(at("13:00:00"))

        assert [each.plan.trace for each in (first, second, third)] == [trace] * 3
        assert third.plan.losses == 1
        assert behind.plan.trace is None

    async def test_a_resume_counts_at_once(self) -> None:
        """Resumed in time, an endpoint runs at its next slot, trap T01."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:10"))
        assert await self.queue.next_due() is None

        await self.resume(endpoint, at("12:00:50"))

        assert await self.queue.next_due() == FIRST_SLOT
        await self.claim_one(FIRST_SLOT)

    async def test_an_edit_counts_at_once(self) -> None:
        """A new schedule is planned from the edit, not from the old slot on, trap T01."""
        endpoint = await self.add_hourly()

        await self.change(replace(endpoint, schedule=every(10 * SECOND)), at("12:20:03"))

        assert await self.next_slot(endpoint) == at("12:20:13")
        await self.claim_one(at("12:20:13"))

    async def test_a_guardrail_counts_at_once(self) -> None:
        """A longest interval brings the next slot nearer from the edit on, trap T01."""
        endpoint = await self.add_hourly()

        await self.change(
            replace(endpoint, guardrails=Guardrails(longest=10 * MINUTE)), at("12:00:10")
        )

        decision = await self.decision(endpoint)
        assert (decision.slot, decision.source) == (at("12:10:00"), Source.CLAMPED_MAX)
        assert await self.queue.next_due() == at("12:10:00")

    async def test_a_reset_counts_at_once(self) -> None:
        """Without the failures' backoff the next slot is the schedule's, trap T01."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        assert await self.next_slot(endpoint) == at("12:03:00")

        async with self.unit() as unit:
            await unit.catalog.reset_failures(endpoint.tenant, endpoint.id, now=at("12:01:10"))

        assert (await self.state(endpoint)).failures == 0
        assert await self.next_slot(endpoint) == at("12:02:00")

    async def test_a_hint_during_a_run_survives_the_settle(self) -> None:
        """What was written while it ran decides what follows, trap T08."""
        endpoint = await self.add_hourly()
        run = await self.start_one(at("13:00:00"))
        await self.offer(endpoint, an_interval_hint(5 * MINUTE, created_at=at("13:00:01")))

        await self.settle(run, at("13:00:02"))

        decision = await self.decision(endpoint)
        assert (decision.slot, decision.source) == (at("13:05:00"), Source.AI_INTERVAL)

    async def test_a_hint_at_the_instant_of_the_settle_survives(self) -> None:
        """Up to the very instant of the settle a write counts, trap T08."""
        endpoint = await self.add_hourly()
        run = await self.start_one(at("13:00:00"))
        await self.offer(endpoint, an_interval_hint(5 * MINUTE, created_at=at("13:00:02")))

        await self.settle(run, at("13:00:02"))

        assert await self.next_slot(endpoint) == at("13:05:00")

    async def test_a_oneshot_during_a_run_survives_the_settle(self) -> None:
        """A one-shot whose instant comes during a run is run after it, trap T08."""
        endpoint = await self.add_hourly()
        run = await self.start_one(at("13:00:00"))
        await self.offer(endpoint, a_oneshot(at("13:00:05"), created_at=at("13:00:01")))

        await self.settle(run, at("13:00:10"))

        again = await self.run_once(at("13:00:10"))
        assert again.plan.kind is Kind.ONESHOT
        assert await self.next_slot(endpoint) == at("14:00:00")

    async def test_a_clearing_during_a_run_survives_the_settle(self) -> None:
        """A hint that was cleared while it ran does not come back, trap T08."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, an_interval_hint(5 * MINUTE))
        run = await self.start_one(at("12:05:00"))
        await self.clear_hints(endpoint, at("12:05:01"))

        await self.settle(run, at("12:05:02"))

        assert await self.next_slot(endpoint) == at("13:00:00")

    async def test_a_run_now_during_a_run_survives_the_settle(self) -> None:
        """It is due as soon as the run has ended, trap T08."""
        endpoint = await self.add_hourly()
        run = await self.start_one(at("13:00:00"))
        await self.run_now(endpoint, at("13:00:05"))
        await self.expect_nothing_due(at("13:00:05"))

        await self.settle(run, at("13:00:10"))

        assert (await self.claim_one(at("13:00:10"))).plan.kind is Kind.MANUAL

    async def test_a_reset_during_a_run_survives_the_settle(self) -> None:
        """The run that ends afterwards is the first failure, not the third, trap T08."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        await self.run_once(at("12:03:00"), failed())
        run = await self.start_one(at("12:07:00"))
        async with self.unit() as unit:
            await unit.catalog.reset_failures(endpoint.tenant, endpoint.id, now=at("12:07:01"))

        await self.settle(run, at("12:07:02"), failed())

        assert (await self.state(endpoint)).failures == 1
        assert await self.next_slot(endpoint) == at("12:09:00")

    async def test_an_edit_during_a_run_survives_the_settle(self) -> None:
        """The settle plans by the new schedule, trap T08."""
        endpoint = await self.add_minutely()
        run = await self.start_one(at("12:01:00"))
        await self.change(replace(endpoint, schedule=every(HOUR)), at("12:01:05"))

        await self.settle(run, at("12:01:10"))

        assert (await self.stored(endpoint)).schedule == every(HOUR)
        assert await self.next_slot(endpoint) == at("13:01:05")

    async def test_a_pause_during_a_run_survives_the_settle(self) -> None:
        """The result is taken, the pause holds, and a resume works at once, traps T08 and T13."""
        endpoint = await self.add_minutely()
        run = await self.start_one(at("12:01:00"))
        await self.pause(endpoint, at("12:01:01"))

        assert await self.settle(run, at("12:01:02")) is Settled.ACCEPTED

        await self.expect_nothing_due(at("12:10:00"))
        await self.resume(endpoint, at("12:10:00"))
        again = await self.claim_one(at("12:10:00"))
        assert again.plan.decision.slot == at("12:10:00")

    async def test_a_pause_and_resume_during_a_run_leave_no_trace(self) -> None:
        """A pause seen during a run does not decide the next slot, trap T13."""
        endpoint = await self.add_minutely()
        run = await self.start_one(at("12:01:00"))
        await self.pause(endpoint, at("12:01:01"), until=at("18:00:00"))
        await self.resume(endpoint, at("12:01:02"))

        await self.settle(run, at("12:01:03"))

        assert await self.next_slot(endpoint) == at("12:02:00")
        await self.claim_one(at("12:02:00"))

    async def test_a_pause_does_not_touch_the_plan(self) -> None:
        """Paused and resumed in time, an endpoint keeps its slot."""
        endpoint = await self.add_minutely()
        decision = await self.decision(endpoint)

        await self.pause(endpoint, at("12:00:10"), until=at("12:00:30"))

        assert await self.decision(endpoint) == decision

    async def test_a_pause_until_now_is_over(self) -> None:
        """A pause ends by itself, on its instant, trap T44."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:10"), until=at("12:01:30"))
        assert await self.queue.next_due() == at("12:01:30")

        await self.expect_nothing_due(at("12:01:29.999"))
        await self.claim_one(at("12:01:30"))

    async def test_everything_on_one_instant_makes_one_run(self) -> None:
        """A one-shot, a trigger and two run-nows on one instant are one run, trap T46."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))
        await self.run_now(endpoint, at("12:00:30"), kind=TriggerKind.SIBLING)
        await self.run_now(endpoint, at("12:00:30"))
        await self.run_now(endpoint, at("12:00:30"))

        await self.run_once(at("12:00:31"))

        assert len(await self.runs(endpoint)) == 1
        await self.expect_nothing_due(at("12:00:59"))
        assert (await self.run_once(at("12:01:00"))).plan.decision.slot == at("12:01:00")

    async def test_everything_on_a_slot_makes_one_run(self) -> None:
        """What comes on the recurring slot itself is served by its run, trap T46."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:01:00")))
        await self.run_now(endpoint, at("12:01:00"), kind=TriggerKind.SIBLING)
        await self.run_now(endpoint, at("12:01:00"))
        await self.run_now(endpoint, at("12:01:00"))

        run = await self.run_once(at("12:01:00"))

        assert run.plan.decision.slot == at("12:01:00")
        await self.expect_nothing_due(at("12:01:59"))
        assert await self.next_slot(endpoint) == at("12:02:00")

    async def test_a_run_now_over_a_slot_does_not_swallow_it(self) -> None:
        """The slot that passed during a run by hand is run after it, trap T49."""
        endpoint = await self.add_minutely()
        await self.run_now(endpoint, at("12:00:50"))

        await self.run_once(at("12:00:50"), lasts=20 * SECOND)

        again = await self.run_once(at("12:01:10"))
        assert (again.plan.decision.slot, again.plan.kind) == (at("12:01:00"), Kind.RECURRING)
        assert await self.next_slot(endpoint) == at("12:02:00")

    async def test_a_siblings_trigger_fires_a_paused_endpoint_once(self) -> None:
        """The pause stays, and nothing else of the endpoint becomes due."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:05"))
        await self.run_now(endpoint, at("12:00:10"), kind=TriggerKind.SIBLING)

        run = await self.run_once(at("12:00:11"))

        assert run.plan.kind is Kind.TRIGGER
        assert await self.queue.next_due() is None
        await self.expect_nothing_due(at("14:00:00"))
        assert (await self.stored(endpoint)).pause is not None

    async def test_a_replan_inside_the_jitter_loses_no_slot(self) -> None:
        """A slot that has come and waits for its jitter stands through any replan, trap T47."""
        job = await self.add_job()
        endpoints = [
            await self.add(an_endpoint(job, f"{number}", jitter=50 * SECOND))
            for number in range(20)
        ]
        decisions = {endpoint.id: await self.decision(endpoint) for endpoint in endpoints}
        waiting = max(endpoints, key=lambda each: decisions[each.id].due_at)
        planned = decisions[waiting.id]
        now = planned.slot + SECOND
        assert (planned.slot, planned.due_at > now) == (FIRST_SLOT, True)

        await self.offer(waiting, an_interval_hint(HOUR, created_at=now))
        await self.clear_hints(waiting, now)
        await self.change(replace(waiting, description="edited"), now)

        stands = await self.decision(waiting)
        assert (stands.slot, stands.due_at) == (planned.slot, planned.due_at)

    @pytest.mark.parametrize("author", [Author.RULE, Author.RESPONSE])
    async def test_a_persons_hint_is_not_replaced(self, author: Author) -> None:
        """While a person's hint lives, no other author's takes its place."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, an_interval_hint(10 * MINUTE, author=Author.API))

        other = an_interval_hint(MINUTE, author=author, created_at=at("12:00:01"))
        await self.offer(endpoint, other)

        assert (await self.decision(endpoint)).source is Source.API_INTERVAL

    async def test_a_skipped_slot_is_on_record(self) -> None:
        """The next slot is passed over on request, and the one after it runs."""
        endpoint = await self.add_minutely()

        async with self.unit() as unit:
            await unit.catalog.skip_next_slot(endpoint.tenant, endpoint.id, now=at("12:00:10"))

        await self.expect_nothing_due(at("12:01:59"))
        (record,) = await self.records(endpoint)
        assert (record.fate, record.first, record.count) == (Fate.SKIPPED, at("12:01:00"), 1)
        assert (await self.claim_one(at("12:02:00"))).plan.decision.slot == at("12:02:00")

    async def test_writing_the_same_again_replans_nothing(self) -> None:
        """A jobs file that is applied every few minutes changes nothing, trap T50."""
        endpoint = await self.add_minutely()
        await self.run_once(FIRST_SLOT)
        state, stored = await self.state(endpoint), await self.stored(endpoint)
        again = replace(stored, anchor=at("12:01:30"), updated_at=at("12:01:30"))

        assert not await self.change(again, at("12:01:30"))

        assert await self.state(endpoint) == state
        assert await self.stored(endpoint) == stored
        assert await self.records(endpoint) == []

    async def test_writing_the_same_pause_changes_nothing(self) -> None:
        """A pause written twice is one pause, trap T50."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:10"), until=at("12:30:00"))
        state, stored = await self.state(endpoint), await self.stored(endpoint)

        await self.pause(endpoint, at("12:00:20"), until=at("12:30:00"))

        assert await self.state(endpoint) == state
        assert await self.stored(endpoint) == stored
