"""Results: what they leave on the run, on the endpoint and on the schedule."""

from datetime import timedelta

import pytest

from cronicorn_domain.identity import Token
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.endpoint import Bounds, Retry
from cronicorn_domain.model.run import (
    Blocked,
    Body,
    BodyKind,
    FailureKind,
    Outcome,
    OutcomeClass,
    Response,
    RunStatus,
    Succeeded,
    Timing,
)
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_oneshot,
    a_settlement,
    an_endpoint,
    at,
    failed,
    once,
    succeeded,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite


class EndpointQueueSettleContract(StoreSuite):
    """A settle ends the run, counts it, and plans what follows."""

    async def test_a_result_is_kept_with_its_run(self) -> None:
        """Response, timing, start and end of a run are on record as they were."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        outcome = Succeeded(
            response=Response(
                status_code=201,
                headers=(("content-type", "text/plain"), ("x-twice", "a"), ("x-twice", "b")),
                body=Body(kind=BodyKind.TEXT, text="höchst erfreulich ✓", truncated=True),
            ),
            timing=Timing(
                connected=timedelta(milliseconds=3),
                first_byte=timedelta(milliseconds=20),
                complete=timedelta(milliseconds=25),
            ),
        )

        await self.settle(run, FIRST_SLOT + SECOND, outcome, started_at=FIRST_SLOT)

        row = await self.run_row(run)
        assert (row.response, row.timing) == (outcome.response, outcome.timing)
        assert (row.started_at, row.finished_at) == (FIRST_SLOT, FIRST_SLOT + SECOND)
        assert (row.status, row.outcome_class) == (RunStatus.SUCCESS, OutcomeClass.SUCCESS)

    @pytest.mark.parametrize(
        ("outcome", "status", "outcome_class"),
        [
            (succeeded(), RunStatus.SUCCESS, OutcomeClass.SUCCESS),
            (failed(), RunStatus.FAILED, OutcomeClass.TARGET),
            (failed(FailureKind.TIMEOUT), RunStatus.FAILED, OutcomeClass.TARGET),
            (failed(FailureKind.CONNECTION), RunStatus.FAILED, OutcomeClass.TARGET),
            (failed(FailureKind.SIGNING), RunStatus.FAILED, OutcomeClass.OURS),
            (Blocked(message="not let out"), RunStatus.CANCELED, OutcomeClass.NOT_ATTEMPTED),
        ],
    )
    async def test_each_outcome_has_its_class(
        self, outcome: Outcome, status: RunStatus, outcome_class: OutcomeClass
    ) -> None:
        """Only the target's failures count as failures of the endpoint."""
        endpoint = await self.add_minutely()

        run = await self.run_once(FIRST_SLOT, outcome)

        row = await self.run_row(run)
        assert (row.status, row.outcome_class) == (status, outcome_class)
        counted = 1 if outcome_class is OutcomeClass.TARGET else 0
        assert (await self.state(endpoint)).failures == counted

    async def test_a_failure_keeps_its_kind_and_message(self) -> None:
        """What went wrong can be read from the run."""
        await self.add_minutely()

        run = await self.run_once(FIRST_SLOT, failed(FailureKind.TIMEOUT, message="after 30 s"))

        row = await self.run_row(run)
        assert (row.failure_kind, row.message) == (FailureKind.TIMEOUT, "after 30 s")
        assert row.response is None

    async def test_what_was_blocked_is_on_record(self) -> None:
        """A slot whose request was not let out leaves a record with the reason."""
        endpoint = await self.add_minutely()

        await self.run_once(FIRST_SLOT, Blocked(message="10.0.0.1 is private"))

        (record,) = await self.records(endpoint)
        assert (record.fate, record.reason) == (Fate.BLOCKED, "10.0.0.1 is private")
        assert (record.first, record.last, record.count) == (FIRST_SLOT, FIRST_SLOT, 1)

    async def test_what_was_blocked_again_and_again_is_one_record(self) -> None:
        """Slots in a row that were not let out for one reason are told of together."""
        endpoint = await self.add_minutely()
        for number, reason in enumerate(["private", "private", "private", "no route", "private"]):
            await self.run_once(FIRST_SLOT + number * MINUTE, Blocked(message=reason))

        told = sorted(await self.records(endpoint), key=lambda each: each.first)
        assert [(each.reason, each.count) for each in told] == [
            ("private", 3),
            ("no route", 1),
            ("private", 1),
        ]
        assert (told[0].first, told[0].last) == (FIRST_SLOT, FIRST_SLOT + 2 * MINUTE)

    async def test_a_settled_endpoint_is_claimable_again(self) -> None:
        """After a run the next slot is due in its turn, under a new token."""
        await self.add_minutely()
        first = await self.run_once(FIRST_SLOT)

        await self.expect_nothing_due(FIRST_SLOT + 59 * SECOND)
        second = await self.claim_one(FIRST_SLOT + MINUTE)

        assert second.plan.decision.slot == FIRST_SLOT + MINUTE
        assert second.lease.token > first.lease.token

    async def test_a_result_counts_once(self) -> None:
        """A settled run is settled: the same result again is lost, and counts no second failure."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        await self.settle(run, FIRST_SLOT + SECOND, failed())

        assert await self.settle(run, FIRST_SLOT + SECOND, failed()) is Settled.LOST

        assert (await self.state(endpoint)).failures == 1

    async def test_a_batch_answers_for_each(self) -> None:
        """Results are settled together, each with its own answer, trap T15."""
        job = await self.add_job()
        for name in ("a", "b"):
            await self.add(an_endpoint(job, name))
        runs = (await self.claim(FIRST_SLOT)).runs
        tokens = [run.lease.token for run in runs]
        await self.queue.start(tokens, now=FIRST_SLOT)
        stale = Token(tokens[-1] + 1000)
        settlements = [a_settlement(token, started_at=FIRST_SLOT) for token in (stale, *tokens)]

        answers = await self.queue.settle(settlements, now=FIRST_SLOT + SECOND)

        assert answers == {
            stale: Settled.LOST,
            tokens[0]: Settled.ACCEPTED,
            tokens[1]: Settled.ACCEPTED,
        }

    async def test_backoff_counts_the_run_that_failed(self) -> None:
        """The first failure doubles the step, and the first success ends it, trap T04."""
        endpoint = await self.add_minutely()

        await self.run_once(at("12:01:00"), failed())
        assert await self.next_slot(endpoint) == at("12:03:00")

        await self.run_once(at("12:03:00"), failed())
        assert await self.next_slot(endpoint) == at("12:07:00")

        await self.run_once(at("12:07:00"))
        assert await self.next_slot(endpoint) == at("12:08:00")
        assert (await self.state(endpoint)).failures == 0

    async def test_intervals_do_not_drift(self) -> None:
        """However late claims and results are, slots stay on the grid, trap T23."""
        endpoint = await self.add_minutely()

        for number in range(10):
            slot = FIRST_SLOT + number * MINUTE
            run = await self.run_once(slot + timedelta(seconds=3, milliseconds=number * 70))
            assert run.plan.decision.slot == slot

        assert await self.next_slot(endpoint) == FIRST_SLOT + 10 * MINUTE
        assert await self.records(endpoint) == []

    async def test_slots_that_pass_during_a_run_are_coalesced(self) -> None:
        """A slow run is followed by the next slot ahead; what passed is recorded."""
        endpoint = await self.add_minutely()

        await self.run_once(at("12:01:00"), lasts=3 * MINUTE + 20 * SECOND)

        assert await self.next_slot(endpoint) == at("12:05:00")
        (record,) = await self.records(endpoint)
        assert record.fate is Fate.COALESCED
        assert (record.first, record.last, record.count) == (at("12:02:00"), at("12:04:00"), 3)

    async def test_a_oneshot_fires_once(self) -> None:
        """Though its life goes on it is over, and no extra run follows it, trap T03."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30"), life=60 * MINUTE))

        run = await self.run_once(at("12:00:30"))

        assert (run.plan.kind, run.plan.decision.source) == (Kind.ONESHOT, Source.AI_ONESHOT)
        await self.expect_nothing_due(at("12:00:59"))
        slots = []
        for number in range(1, 5):
            recurring = await self.run_once(at("12:00:00") + number * MINUTE)
            slots.append(recurring.plan.decision.slot)
            await self.expect_nothing_due(at("12:00:58") + number * MINUTE)
        assert slots == [at("12:00:00") + number * MINUTE for number in range(1, 5)]

    async def test_a_failed_oneshot_is_over_too(self) -> None:
        """A one-shot that failed does not come again by itself, trap T03."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:30")))

        await self.run_once(at("12:00:30"), failed())

        assert (await self.decision(endpoint)).source is Source.BASELINE_INTERVAL

    async def test_a_single_instant_is_finished_after_its_run(self) -> None:
        """A schedule of one instant has no next run, whatever came of it."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=once(at("12:10:00"))))

        await self.run_once(at("12:10:00"), failed())

        assert (await self.state(endpoint)).next_plan is None
        assert await self.queue.next_due() is None

    async def test_a_used_up_count_finishes_the_endpoint(self) -> None:
        """After its last allowed occurrence nothing is planned."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, bounds=Bounds(max_runs=2)))

        await self.run_once(FIRST_SLOT)
        await self.run_once(FIRST_SLOT + MINUTE)

        state = await self.state(endpoint)
        assert (state.run_count, state.next_plan) == (2, None)

    async def test_a_fire_time_is_tried_as_often_as_was_asked(self) -> None:
        """Retries keep the slot and count up the attempt; only the last outcome counts."""
        job = await self.add_job()
        retry = Retry(attempts=3, backoff=SECOND, backoff_most=2 * SECOND)
        endpoint = await self.add(an_endpoint(job, retry=retry))
        await self.run_once(FIRST_SLOT, failed())

        for attempt in (2, 3):
            assert (await self.state(endpoint)).failures == 0
            decision = await self.decision(endpoint)
            assert decision.source is Source.RETRY
            run = await self.run_once(decision.due_at, failed())
            assert (run.plan.decision.slot, run.plan.attempt) == (FIRST_SLOT, attempt)

        state = await self.state(endpoint)
        assert (state.failures, state.run_count) == (1, 1)
        assert await self.next_slot(endpoint) == FIRST_SLOT + 2 * MINUTE

    async def test_the_state_tells_what_the_run_was(self) -> None:
        """Last slot, start and end and the count are kept for the next decision."""
        endpoint = await self.add_minutely()

        await self.run_once(FIRST_SLOT + SECOND, lasts=2 * SECOND)

        state = await self.state(endpoint)
        assert (state.last_slot, state.last_start) == (FIRST_SLOT, FIRST_SLOT + SECOND)
        assert (state.last_end, state.run_count) == (FIRST_SLOT + 3 * SECOND, 1)
        assert (state.latest_slot, state.latest_attempt) == (FIRST_SLOT, 1)

    async def test_a_run_that_was_archived_meanwhile_is_kept(self) -> None:
        """Its result is on record, and nothing follows it."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        await self.archive(endpoint, FIRST_SLOT)

        assert await self.settle(run, FIRST_SLOT + SECOND) is Settled.ACCEPTED

        assert (await self.run_row(run)).status is RunStatus.SUCCESS
        assert await self.queue.next_due() is None
        await self.expect_nothing_due(EPOCH + 60 * MINUTE)
