"""Rhythms over days and years: on the grid, one run after a gap, and no length too long."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, Misfire, MisfirePolicy, Retry
from cronicorn_domain.model.hint import LONGEST_LIFE
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    an_endpoint,
    an_interval_hint,
    at,
    cron,
    every,
    failed,
    once,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite


class EndpointQueueRhythmContract(StoreSuite):
    """A recurring schedule stays on its grid, whatever happens in between."""

    async def add_cron(self, expression: str, *, created_at: datetime = EPOCH) -> Endpoint:
        """Keep an endpoint with a cron schedule."""
        job = await self.add_job()
        return await self.add(an_endpoint(job, schedule=cron(expression), created_at=created_at))

    async def test_cron_stays_on_its_grid_after_a_slow_run(self) -> None:
        """A run over several slots is followed by the next one of the expression, trap T09."""
        endpoint = await self.add_cron("*/5 * * * *")

        await self.run_once(at("12:05:02"), lasts=12 * MINUTE)

        assert await self.next_slot(endpoint) == at("12:20:00")

    async def test_cron_stays_on_its_grid_after_hints(self) -> None:
        """An expired hint leaves the expression as it was, trap T09."""
        endpoint = await self.add_cron("*/5 * * * *")
        await self.offer(endpoint, an_interval_hint(70 * SECOND, life=4 * MINUTE))
        slots = []
        for _ in range(5):
            decision = await self.decision(endpoint)
            slots.append((await self.run_once(decision.due_at)).plan.decision.slot)

        assert slots[:3] == [at("12:01:10"), at("12:02:20"), at("12:03:30")]
        assert slots[3:] == [at("12:05:00"), at("12:10:00")]

    async def test_slots_of_a_hint_that_ended_during_a_run_are_recorded(self) -> None:
        """A hint's slots are slots also if it has ended by the time the run over them has."""
        endpoint = await self.add_cron("*/5 * * * *")
        await self.offer(endpoint, an_interval_hint(MINUTE, life=4 * MINUTE))

        await self.run_once(at("12:01:00"), lasts=5 * MINUTE)

        (record,) = await self.records(endpoint)
        assert (record.first, record.last, record.count) == (at("12:02:00"), at("12:05:00"), 3)

    async def test_slots_of_a_hint_written_during_a_run_that_outlasts_it_are_recorded(self) -> None:
        """The same where the hint is as old as the run is long."""
        endpoint = await self.add_cron("*/5 * * * *")
        run = await self.start_one(at("12:05:00"))
        hint = an_interval_hint(MINUTE, created_at=at("12:05:10"), life=3 * MINUTE)
        await self.offer(endpoint, hint, at("12:05:10"))

        await self.settle(run, at("12:09:00"))

        (record,) = await self.records(endpoint)
        assert (record.first, record.last, record.count) == (at("12:06:00"), at("12:08:00"), 3)

    async def test_slots_of_a_hint_that_ended_before_the_repeat_are_recorded(self) -> None:
        """A hint that ends during a first try is not forgotten before the last one is over."""
        retry = Retry(attempts=2, backoff=10 * SECOND, backoff_most=10 * SECOND)
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(5 * MINUTE), retry=retry))
        await self.offer(endpoint, an_interval_hint(MINUTE, life=2 * MINUTE + SECOND))
        await self.run_once(at("12:01:00"), failed(), lasts=63 * SECOND)

        again = await self.run_once(at("12:02:20"))

        assert again.plan.repeat
        (record,) = await self.records(endpoint)
        assert (record.first, record.last, record.count) == (at("12:02:00"), at("12:02:00"), 1)

    async def test_cron_stays_on_its_grid_after_a_pause(self) -> None:
        """Resumed within the grace it runs the missed slot, then the grid again, trap T09."""
        endpoint = await self.add_cron("*/5 * * * *")
        await self.pause(endpoint, at("12:04:00"))
        await self.resume(endpoint, at("12:05:30"))

        run = await self.run_once(at("12:05:30"))

        assert run.plan.decision.slot == at("12:05:00")
        assert await self.next_slot(endpoint) == at("12:10:00")

    async def test_cron_stays_on_its_grid_under_guardrails(self) -> None:
        """A shortest interval picks slots of the expression, trap T09."""
        job = await self.add_job()
        endpoint = await self.add(
            an_endpoint(
                job,
                schedule=cron("* * * * *"),
                guardrails=Guardrails(shortest=150 * SECOND),
            )
        )
        slots = []
        for _ in range(4):
            decision = await self.decision(endpoint)
            slots.append((await self.run_once(decision.due_at)).plan.decision.slot)

        assert slots == [at("12:01:00"), at("12:04:00"), at("12:07:00"), at("12:10:00")]

    async def test_midnight_comes_once(self) -> None:
        """A daily midnight job created at 23:59:51 runs once, at midnight, trap T10."""
        endpoint = await self.add_cron("0 0 * * *", created_at=at("23:59:51"))

        await self.expect_nothing_due(at("23:59:59.999"))
        run = await self.run_once(at("00:00:00", day=2))

        assert run.plan.decision.slot == at("00:00:00", day=2)
        await self.expect_nothing_due(at("23:59:59", day=2))
        assert await self.next_slot(endpoint) == at("00:00:00", day=3)

    @pytest.mark.parametrize("length", [30 * DAY, 3660 * DAY])
    async def test_long_intervals_overflow_nothing(self, length: timedelta) -> None:
        """A month or ten years between slots is kept to the second, trap T30."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(length)))

        await self.expect_nothing_due(EPOCH + length - SECOND)
        run = await self.run_once(EPOCH + length)

        assert run.plan.decision.slot == EPOCH + length
        assert await self.next_slot(endpoint) == EPOCH + 2 * length

    async def test_long_hints_overflow_nothing(self) -> None:
        """A hint of ten years with a life of ten years is a hint like any other, trap T30."""
        endpoint = await self.add_minutely()

        await self.offer(endpoint, an_interval_hint(3650 * DAY, life=LONGEST_LIFE))

        decision = await self.decision(endpoint)
        assert (decision.slot, decision.source) == (EPOCH + 3650 * DAY, Source.AI_INTERVAL)

    async def test_far_oneshots_overflow_nothing(self) -> None:
        """A one-shot in ten years waits for its turn behind the schedule, trap T30."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=once(EPOCH + 3650 * DAY + HOUR)))

        await self.offer(endpoint, a_oneshot(EPOCH + 3650 * DAY, life=LONGEST_LIFE))

        assert await self.next_slot(endpoint) == EPOCH + 3650 * DAY
        assert await self.queue.next_due() == EPOCH + 3650 * DAY

    async def test_a_pause_of_days_ends_in_one_run(self) -> None:
        """The newest missed slot runs, the others are one record, then the rhythm, trap T45."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(HOUR)))
        await self.pause(endpoint, at("12:30:00"))
        await self.resume(endpoint, at("12:30:00", day=4))

        run = await self.run_once(at("12:30:00", day=4))

        assert run.plan.decision.slot == at("12:00:00", day=4)
        assert await self.next_slot(endpoint) == at("13:00:00", day=4)
        (record,) = await self.records(endpoint)
        assert (record.fate, record.count) == (Fate.COALESCED, 71)
        assert (record.first, record.last) == (at("13:00:00"), at("11:00:00", day=4))

    async def test_a_pause_of_days_under_a_longest_ends_in_one_run(self) -> None:
        """A longest interval makes no storm of what it would have wanted meanwhile, trap T45."""
        job = await self.add_job()
        guardrails = Guardrails(longest=5 * MINUTE)
        endpoint = await self.add(an_endpoint(job, schedule=every(HOUR), guardrails=guardrails))
        await self.pause(endpoint, at("12:01:00"))
        await self.resume(endpoint, at("12:01:30", day=4))

        await self.run_once(at("12:01:30", day=4))

        decision = await self.decision(endpoint)
        assert (decision.slot, decision.source) == (at("12:05:00", day=4), Source.CLAMPED_MAX)

    async def test_runs_longer_than_the_longest_make_no_storm(self) -> None:
        """Slow runs follow one another at most once per longest interval, trap T45."""
        job = await self.add_job()
        guardrails = Guardrails(longest=5 * MINUTE)
        endpoint = await self.add(an_endpoint(job, schedule=every(HOUR), guardrails=guardrails))
        for _ in range(4):
            decision = await self.decision(endpoint)
            run = await self.run_once(decision.due_at, lasts=7 * MINUTE)
            following = await self.decision(endpoint)
            assert following.slot > run.plan.decision.slot
            assert following.due_at >= run.plan.decision.due_at + 5 * MINUTE

    async def test_skipping_neither_loops_nor_starves(self) -> None:
        """Late claims skip once, and then the next slot runs, however late, trap T45."""
        job = await self.add_job()
        misfire = Misfire(policy=MisfirePolicy.SKIP, grace=5 * SECOND)
        endpoint = await self.add(an_endpoint(job, misfire=misfire))

        first = await self.claim(at("12:01:30"))
        assert (first.runs, first.passed) == ((), 1)
        run = await self.run_once(at("12:02:30"))

        assert run.plan.decision.slot == at("12:02:00")
        (record,) = await self.records(endpoint)
        assert (record.fate, record.first, record.count) == (Fate.SKIPPED, at("12:01:00"), 1)

    @pytest.mark.parametrize("policy", list(MisfirePolicy))
    async def test_a_single_instant_ends_under_any_policy(self, policy: MisfirePolicy) -> None:
        """Missed by days, a schedule of one instant runs or is skipped, and is over, trap T45."""
        job = await self.add_job()
        endpoint = await self.add(
            an_endpoint(job, schedule=once(FIRST_SLOT), misfire=Misfire(policy=policy))
        )

        batch = await self.claim(FIRST_SLOT + 3 * DAY)
        for run in batch.runs:
            await self.start(run, FIRST_SLOT + 3 * DAY)
            await self.settle(run, FIRST_SLOT + 3 * DAY + SECOND)

        assert len(batch.runs) + batch.passed == 1
        assert (await self.state(endpoint)).next_plan is None
        await self.expect_nothing_due(FIRST_SLOT + 4 * DAY)

    async def test_missed_slots_are_caught_up_in_order(self) -> None:
        """Under catch-up the newest missed slots run one by one, the older are coalesced."""
        job = await self.add_job()
        misfire = Misfire(policy=MisfirePolicy.CATCH_UP, catch_up_limit=3)
        endpoint = await self.add(an_endpoint(job, schedule=every(HOUR), misfire=misfire))
        now = at("18:30:00")
        slots = []
        for _ in range(3):
            slots.append((await self.run_once(now)).plan.decision.slot)
            now += 2 * SECOND

        assert slots == [at("16:00:00"), at("17:00:00"), at("18:00:00")]
        assert await self.next_slot(endpoint) == at("19:00:00")
        (record,) = await self.records(endpoint)
        assert (record.first, record.last, record.count) == (at("13:00:00"), at("15:00:00"), 3)

    async def test_a_released_catch_up_comes_again(self) -> None:
        """A noted slot that was given back runs before the ones behind it, trap T48."""
        job = await self.add_job()
        misfire = Misfire(policy=MisfirePolicy.CATCH_UP, catch_up_limit=2)
        endpoint = await self.add(an_endpoint(job, schedule=every(HOUR), misfire=misfire))
        now = at("18:30:00")
        await self.release(await self.claim_one(now), now)

        slots = []
        for _ in range(2):
            slots.append((await self.run_once(now)).plan.decision.slot)
            now += 2 * SECOND

        assert slots == [at("17:00:00"), at("18:00:00")]
        assert await self.next_slot(endpoint) == at("19:00:00")

    async def test_cron_becomes_an_interval_and_back(self) -> None:
        """A changed kind of schedule is planned from the edit, each time, trap T12."""
        endpoint = await self.add_cron("*/5 * * * *")

        await self.change(replace(endpoint, schedule=every(7 * MINUTE)), at("12:01:00"))
        assert await self.next_slot(endpoint) == at("12:08:00")

        await self.change(endpoint, at("12:02:00"))
        assert await self.next_slot(endpoint) == at("12:05:00")
        assert (await self.run_once(at("12:05:00"))).plan.decision.source is Source.BASELINE_CRON
