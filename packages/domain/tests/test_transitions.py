"""Claims, releases, losses, triggers, pauses and edits: what each does to what comes next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_domain.identity import (
    DEFAULT_TENANT,
    HintId,
    RunId,
    WorkerId,
    new_uuid,
)
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Guardrails,
    Retry,
)
from cronicorn_domain.model.hint import Author, IntervalHint, OneShotHint, TriggerKind
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.run import Blocked, OutcomeClass, Run, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.reaping import abandoned_run
from cronicorn_domain.policies.releasing import released_run
from cronicorn_domain.policies.starting import start_refusal
from cronicorn_domain.ports.endpoint_queue import StartRefusal
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_domain.testing.story import FAILURE, LEASE_LENGTH, SUCCESS, Story, told

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def oneshot(story: Story, at: datetime, *, life: timedelta = HOUR) -> OneShotHint:
    hint = OneShotHint(
        id=HintId(new_uuid()), author=Author.RULE, at=at, created_at=story.now, expires_at=at + life
    )
    story.offer(hint)
    return hint


def interval_hint(story: Story, every: timedelta, life: timedelta = HOUR) -> IntervalHint:
    hint = IntervalHint(
        id=HintId(new_uuid()),
        author=Author.AI,
        every=every,
        created_at=story.now,
        expires_at=story.now + life,
    )
    story.offer(hint)
    return hint


def next_slot(story: Story) -> datetime:
    assert story.next is not None
    return story.next.slot


def test_a_run_by_hand_is_due_at_once_and_leaves_the_grid() -> None:
    """Run now fires now; the recurring slot stays where it was (trap T01)."""
    story = told().at(NOON + 3 * MINUTE)
    story.trigger()
    run = story.run()

    assert (run.at, run.plan.decision.source) == (NOON + 3 * MINUTE, Source.MANUAL)
    assert next_slot(story) == NOON + 10 * MINUTE


def test_a_run_by_hand_that_lasts_over_a_slot_does_not_swallow_it() -> None:
    """The slot that passed during a run by hand is run afterwards (trap T49)."""
    story = told().at(NOON + 9 * MINUTE)
    story.trigger()
    story.run(lasts=90 * SECOND)
    run = story.run()

    assert (run.slot, run.at) == (NOON + 10 * MINUTE, NOON + 9 * MINUTE + 90 * SECOND)


def test_one_instant_makes_one_run() -> None:
    """
    A one-shot, a trigger and two run-nows on a slot make one run, without an error (trap T46).
    """
    story = told()
    oneshot(story, NOON + 10 * MINUTE)
    story.at(NOON + 10 * MINUTE)
    triggers = [story.trigger(), story.trigger(), story.trigger(TriggerKind.SIBLING)]
    run = story.run()

    assert run.slot == NOON + 10 * MINUTE
    assert run.plan.kind is Kind.RECURRING
    assert set(run.triggers) == {each.id for each in triggers}
    assert len(run.hints) == 1
    assert next_slot(story) == NOON + 20 * MINUTE


def test_two_run_nows_make_one_run() -> None:
    """A claim serves every request by hand that has come (trap T46)."""
    story = told().at(NOON + MINUTE)
    story.trigger()
    story.at(NOON + MINUTE + SECOND)
    story.trigger()
    run = story.run()

    assert len(run.triggers) == 2
    assert next_slot(story) == NOON + 10 * MINUTE


def test_a_run_by_hand_goes_before_a_plan_inside_its_jitter_which_then_stands_again() -> None:
    """A replan inside the jitter loses no slot (trap T47)."""
    story = told(jitter=9 * MINUTE)
    slot, due_at = next_slot(story), story.next.due_at  # type: ignore[union-attr]
    assert due_at - slot > 2 * MINUTE, "this endpoint's hash must leave room"
    story.at(slot + MINUTE)
    story.trigger()
    by_hand = story.run()
    recurring = story.run()

    assert by_hand.plan.kind is Kind.MANUAL
    assert (recurring.slot, recurring.at) == (slot, due_at)


def test_a_hint_written_inside_the_jitter_loses_no_slot() -> None:
    """A slot that has come stands, whatever is written before its start (trap T47)."""
    story = told(jitter=9 * MINUTE)
    slot = next_slot(story)
    story.at(slot + SECOND)
    interval_hint(story, HOUR)

    assert next_slot(story) == slot


def test_a_cleared_hint_whose_slot_has_come_leaves_it_to_the_baseline() -> None:
    """The slot of a hint that was cleared late is looked for again from just before it."""
    story = told()
    interval_hint(story, 5 * MINUTE)
    slot = next_slot(story)
    story.at(NOON + 12 * MINUTE)
    story.clear_hints()

    assert slot == NOON + 5 * MINUTE
    assert next_slot(story) == NOON + 10 * MINUTE


def test_a_oneshot_that_expired_before_its_claim_is_not_run() -> None:
    """At its end a one-shot is over, unrun; equal is expired (trap T44)."""
    story = told()
    hint = oneshot(story, NOON + MINUTE, life=MINUTE)
    story.at(hint.expires_at)

    assert story.claim() is None
    assert next_slot(story) == NOON + 10 * MINUTE


def test_a_oneshot_fires_once_though_its_life_goes_on() -> None:
    """A claim consumes the one-shot, and nothing follows it (trap T03)."""
    story = told()
    hint = oneshot(story, NOON + MINUTE)
    run = story.run()

    assert run.hints == (hint.id,)
    assert next_slot(story) == NOON + 10 * MINUTE


def test_one_hint_does_not_prolong_another() -> None:
    """An interval hint written beside an expired one-shot does not revive it (trap T11)."""
    story = told()
    oneshot(story, NOON + MINUTE, life=SECOND)
    story.at(NOON + 2 * MINUTE)
    interval_hint(story, 7 * MINUTE)

    assert next_slot(story) == NOON + 7 * MINUTE


def test_a_tie_with_the_recurring_slot_is_its_own() -> None:
    """A one-shot at the very instant of a slot is served by the slot's run."""
    story = told()
    oneshot(story, NOON + 10 * MINUTE)
    run = story.run()

    assert run.plan.decision.source is Source.BASELINE_INTERVAL
    assert len(run.hints) == 1


def test_an_instant_whose_slot_is_taken_moves_on_by_a_millisecond() -> None:
    """A second run by hand within the millisecond of the first gets a slot of its own."""
    story = told().at(NOON + MINUTE)
    story.trigger()
    first = story.claim()
    story.start()
    story.trigger()
    story.settle()
    second = story.run()

    assert first is not None
    assert second.slot - first.slot == timedelta(milliseconds=1)


def test_a_release_undoes_the_claim() -> None:
    """What it consumed is pending again, the slot due again with the next attempt (trap T48)."""
    story = told()
    hint = oneshot(story, NOON + MINUTE)
    first = story.claim_when_due()
    story.release()
    again = story.run()

    assert first is not None
    assert first.hints == again.hints == (hint.id,)
    assert (again.slot, again.plan.attempt) == (first.slot, 2)
    assert (story.state.failures, story.state.run_count) == (0, 1)


def test_a_released_run_by_hand_is_given_back_with_its_slot() -> None:
    """The request by hand is pending again, and its next run is the next attempt (trap T48)."""
    story = told().at(NOON + MINUTE)
    story.trigger()
    first = story.claim()
    story.release()
    again = story.run()

    assert first is not None
    assert (again.slot, again.plan.attempt, again.triggers) == (first.slot, 2, first.triggers)


def test_a_lost_run_is_repeated_at_once_and_counts_no_failure() -> None:
    """The same slot, the next attempt; a lost worker is no failure of the target (trap T48)."""
    story = told()
    lost = story.claim_when_due()
    story.start()
    story.at(story.now + LEASE_LENGTH)
    story.reap()
    again = story.run()

    assert lost is not None
    assert (again.slot, again.plan.attempt) == (lost.slot, 2)
    assert again.plan.decision.source is Source.RETRY
    assert story.state.failures == 0


def test_three_losses_give_a_slot_up_with_one_failure() -> None:
    """A slot that keeps killing its workers is given up, and counts once (trap T48)."""
    story = told()
    for _ in range(3):
        story.claim_when_due()
        story.start()
        story.at(story.now + LEASE_LENGTH)
        story.reap()

    assert [run.plan.attempt for run in story.runs] == [1, 2, 3]
    assert story.state.failures == 1
    assert next_slot(story) > NOON + 10 * MINUTE


def test_at_most_once_goes_on_to_the_next_slot_after_a_loss() -> None:
    """By choice a lost slot is not repeated."""
    story = told(delivery=Delivery.AT_MOST_ONCE)
    story.claim_when_due()
    story.start()
    story.at(story.now + LEASE_LENGTH)
    story.reap()

    assert next_slot(story) == NOON + 20 * MINUTE
    assert story.state.failures == 0


def test_a_run_that_never_started_is_given_back_by_the_reaper() -> None:
    """A claim whose worker died before the start is undone under both deliveries (trap T48)."""
    for delivery in Delivery:
        story = told(delivery=delivery)
        first = story.claim_when_due()
        story.at(story.now + LEASE_LENGTH)
        story.reap()
        again = story.run()

        assert first is not None
        assert (again.slot, again.plan.attempt, again.plan.losses) == (first.slot, 2, 0)


def test_only_the_last_try_of_a_fire_time_counts() -> None:
    """Retries repeat the slot; the failures grow by one when the last of them failed."""
    story = told(retry=Retry(attempts=3))
    runs = [story.run(FAILURE), story.run(FAILURE)]
    assert story.state.failures == 0
    runs.append(story.run(FAILURE))

    assert [run.plan.attempt for run in runs] == [1, 2, 3]
    assert len({run.slot for run in runs}) == 1
    assert story.state.failures == 1


def test_a_retry_that_the_next_slot_would_overtake_is_dropped() -> None:
    """Its last attempt is then the outcome, and counts."""
    story = told(schedule=IntervalSchedule(every=SECOND), retry=Retry(attempts=3, backoff=MINUTE))
    story.run(FAILURE, lasts=timedelta())

    assert story.state.failures == 1
    assert story.state.plan is not None
    assert not story.state.plan.repeat


def test_a_pause_holds_back_a_run_by_hand_that_waits() -> None:
    """A sibling's trigger fires a paused endpoint, a run by hand waits for the pause's end."""
    story = told().at(NOON + 3 * MINUTE)
    story.trigger()
    story.pause(OPEN_ENDED)

    assert story.claimable_from is None
    story.pause(NOON + 5 * MINUTE)
    assert story.claimable_from == NOON + 5 * MINUTE
    story.at(NOON + 4 * MINUTE).resume()
    claimed = story.claim()
    assert claimed is not None
    assert claimed.plan.kind is Kind.MANUAL


def test_a_sibling_trigger_fires_a_paused_endpoint_once() -> None:
    """The pause stays, and nothing else becomes due."""
    story = told()
    story.pause(OPEN_ENDED)
    story.at(NOON + HOUR)
    story.trigger(TriggerKind.SIBLING)
    run = story.run()

    assert run.plan.decision.source is Source.TRIGGER
    assert story.claimable_from is None
    assert story.situation.endpoint.pause is not None


def test_a_pause_until_now_has_ended() -> None:
    """Equal is over: a pause that ends now does not hold (trap T44)."""
    story = told()
    story.pause(NOON + 30 * MINUTE)
    assert story.claimable_from == NOON + 30 * MINUTE
    story.at(NOON + 30 * MINUTE)

    assert story.claim() is not None


def test_a_pause_does_not_touch_the_plan_and_resume_works_at_once() -> None:
    """A pause seen during a run decides nothing about the next slot (trap T13)."""
    story = told()
    story.claim_when_due()
    story.start()
    story.pause(OPEN_ENDED)
    story.settle()
    assert story.claimable_from is None
    story.resume()

    assert story.claimable_from == NOON + 20 * MINUTE


def test_a_start_is_refused_when_its_ground_is_gone() -> None:
    """
    Pause, archive and a lease that ends now stop the request before it is sent (traps T14, T44).
    """
    story = told()
    story.claim_when_due()
    situation = story.situation
    assert situation.lease is not None
    archived = replace(situation.endpoint, archived_at=story.now)

    assert start_refusal(situation, story.now) is None
    assert start_refusal(situation, situation.lease.until) is StartRefusal.LOST
    assert start_refusal(replace(situation, endpoint=archived), story.now) is StartRefusal.ARCHIVED
    assert (
        start_refusal(replace(situation, job_state=JobState.PAUSED), story.now)
        is StartRefusal.PAUSED
    )
    story.pause(OPEN_ENDED)
    assert start_refusal(story.situation, story.now) is StartRefusal.PAUSED


def test_an_edit_of_the_schedule_plans_from_now_and_records_the_slot_that_had_come() -> None:
    """Cron to interval and back, each at once (traps T01, T12)."""
    story = told().at(NOON + 25 * MINUTE)
    cron = CronSchedule(expression=CronExpression.parse("0 * * * *"))
    story.edit(schedule=cron)

    assert next_slot(story) == NOON + HOUR
    assert [(each.fate, each.count) for each in story.records] == [(Fate.COALESCED, 2)]

    story.edit(schedule=IntervalSchedule(every=10 * MINUTE))

    assert next_slot(story) == NOON + 35 * MINUTE


def test_an_edit_during_a_run_is_what_the_settle_plans_from() -> None:
    """A hint, pause, reset or edit written during a run survives its settle (trap T08)."""
    story = told()
    story.claim_when_due()
    story.start()
    story.edit(schedule=IntervalSchedule(every=30 * MINUTE))
    interval_hint(story, 3 * MINUTE)
    story.settle(FAILURE)

    assert next_slot(story) == NOON + 13 * MINUTE
    story.clear_hints()
    assert next_slot(story) == NOON + 10 * MINUTE + timedelta(minutes=60)


def test_failures_reset_during_a_run_stay_reset() -> None:
    """The settle counts from what the store then holds (trap T08)."""
    story = told()
    story.run(FAILURE)
    story.run(FAILURE)
    story.claim_when_due()
    story.start()
    story.reset_failures()
    story.settle(FAILURE)

    assert story.state.failures == 1


def test_a_reset_takes_effect_at_once() -> None:
    """Without its failures the next slot is the rhythm's own (trap T01)."""
    story = told()
    story.run(FAILURE)
    assert next_slot(story) == NOON + 30 * MINUTE
    story.reset_failures()

    assert next_slot(story) == NOON + 20 * MINUTE


def test_a_skip_passes_one_slot_over_with_a_record() -> None:
    """Skipping goes on with the slot behind, and says so."""
    story = told()
    story.skip()

    assert next_slot(story) == NOON + 20 * MINUTE
    assert [(each.fate, each.first) for each in story.records] == [
        (Fate.SKIPPED, NOON + 10 * MINUTE)
    ]


def test_a_daily_job_created_just_before_midnight_runs_once_at_midnight() -> None:
    """Nothing fires before its time, and no slot fires twice (trap T10)."""
    created = datetime(2025, 1, 1, 23, 59, 51, tzinfo=UTC)
    cron = CronSchedule(expression=CronExpression.parse("0 0 * * *"))
    story = told(schedule=cron, created_at=created, anchor=created, updated_at=created)
    run = story.run()

    assert run.at == run.slot == datetime(2025, 1, 2, tzinfo=UTC)
    assert next_slot(story) == datetime(2025, 1, 3, tzinfo=UTC)


def test_bounds_end_a_schedule() -> None:
    """The run count and the end finish an endpoint; runs by hand go on and do not count."""
    story = told(bounds=Bounds(max_runs=2))
    story.trigger()
    story.run()
    story.run()
    story.run()

    assert [run.plan.kind for run in story.runs] == [Kind.MANUAL, Kind.RECURRING, Kind.RECURRING]
    assert story.next is None
    story.trigger()
    assert story.run().plan.kind is Kind.MANUAL


def test_before_its_start_only_the_baseline_counts() -> None:
    """The first slot is starts_at itself, whatever hints say."""
    starts_at = NOON + HOUR
    story = told(bounds=Bounds(starts_at=starts_at), anchor=starts_at)
    interval_hint(story, MINUTE)
    oneshot(story, NOON + 5 * MINUTE)

    assert next_slot(story) == starts_at


def test_lengths_of_any_size_overflow_nothing() -> None:
    """
    Intervals of 30 days, hints of ten years and a hundred failures stay on the calendar (T30).
    """
    story = told(schedule=IntervalSchedule(every=timedelta(days=30)))
    interval_hint(story, timedelta(days=3650), life=timedelta(days=3660))
    story.having(failures=100)
    assert story.next is not None
    story.clear_hints()

    assert next_slot(story) == NOON + timedelta(days=60)


def test_a_blocked_run_counts_no_failure_and_leaves_a_record() -> None:
    """What the egress guard held back was not attempted."""
    story = told()
    story.run(Blocked(message="169.254.0.1 is not let out"))

    assert story.state.failures == 0
    assert [each.fate for each in story.records] == [Fate.BLOCKED]


def test_a_finished_once_has_no_next() -> None:
    """A single instant runs once and is then finished."""
    story = told(schedule=OnceSchedule(at=NOON + MINUTE))
    story.run(SUCCESS)

    assert story.next is None


def test_the_longest_pulls_a_daily_cron_in() -> None:
    """A cron slower than the longest guardrail runs in between, off its grid."""
    cron = CronSchedule(expression=CronExpression.parse("0 * * * *"))
    story = told(schedule=cron, guardrails=Guardrails(longest=25 * MINUTE))
    slots = [story.run().slot for _ in range(4)]

    assert slots == [NOON + minutes * MINUTE for minutes in (25, 50, 60, 85)]


@pytest.mark.parametrize("started", [True, False])
def test_rows_of_lost_and_given_back_runs_tell_whose_fault_it_was(started: bool) -> None:
    """Abandoned is a failure of ours; a run given back was canceled and not attempted."""
    story = told()
    claimed = story.claim_when_due()
    assert claimed is not None
    run = Run(
        id=RunId(new_uuid()),
        endpoint_id=story.situation.endpoint.id,
        tenant=DEFAULT_TENANT,
        decision=claimed.plan.decision,
        kind=claimed.plan.kind,
        attempt=1,
        worker=WorkerId("w"),
        claimed_at=story.now,
    )
    row = abandoned_run(run, story.now, story.now) if started else released_run(run, story.now)

    expected = (
        (RunStatus.FAILED, OutcomeClass.OURS)
        if started
        else (RunStatus.CANCELED, OutcomeClass.NOT_ATTEMPTED)
    )
    assert (row.status, row.outcome_class) == expected
