"""Faults that an independent reading of histories brought to light; each was one once."""

from datetime import UTC, datetime, timedelta

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Bounds, Guardrails, Misfire, MisfirePolicy, Retry
from cronicorn_domain.model.hint import TriggerKind
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_domain.testing.builders import a_oneshot, an_interval_hint
from cronicorn_domain.testing.story import FAILURE, Story, told

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
S, M = timedelta(seconds=1), timedelta(minutes=1)


def recorded(story: Story) -> list[tuple[datetime, datetime, int]]:
    return [(each.first, each.last, each.count) for each in story.records]


def test_a_finished_schedule_has_no_slots_that_pass() -> None:
    """Behind the last run that may be there is nothing to coalesce, whoever edits or restores."""
    story = told(every=M, bounds=Bounds(max_runs=1))
    story.run(lasts=10 * M)
    story.at(NOON + 20 * M).edit(schedule=IntervalSchedule(every=2 * M))

    assert recorded(story) == []


def test_a_finished_schedule_has_no_slot_to_skip() -> None:
    """A skip without a next slot changes nothing."""
    story = told(every=M, bounds=Bounds(max_runs=1))
    story.run()
    story.skip()

    assert recorded(story) == []


def test_the_last_occurrence_is_retried_like_any_other() -> None:
    """No slot follows it, so none makes its retry pointless."""
    retry = Retry(attempts=2, backoff=M, backoff_most=M)
    story = told(every=S, bounds=Bounds(max_runs=1), retry=retry)
    story.run(FAILURE)
    second = story.run()

    assert (second.slot, second.plan.attempt) == (NOON + S, 2)


def test_a_slot_skipped_over_in_favour_of_the_newest_is_a_skip() -> None:
    """The newest runs however late, if its jitter lets it be missed as well (trap T45)."""
    policy = Misfire(policy=MisfirePolicy.SKIP, grace=M)
    story = told(every=10 * M, jitter=9 * M, misfire=policy)
    due_at = story.next.due_at if story.next is not None else NOON
    story.at(max(due_at, NOON + 10 * M) + 10 * M + S)
    while story.claim() is None and story.now < NOON + 40 * M:
        story.at(story.now + 10 * M)
    skips = {each.recorded_at for each in story.records}

    assert len(skips) == 1
    assert len(story.runs) == 1


def test_slots_that_passed_during_a_run_are_recorded_before_one_ahead_is_skipped() -> None:
    """The end of the run would not come to them any more."""
    story = told(every=M)
    story.claim_when_due()
    story.start()
    story.at(NOON + 3 * M + 30 * S).skip()
    story.at(NOON + 3 * M + 40 * S).settle()

    assert recorded(story) == [
        (NOON + 2 * M, NOON + 3 * M, 2),
        (NOON + 4 * M, NOON + 4 * M, 1),
    ]


def test_slots_that_passed_during_a_retry_are_recorded_before_one_ahead_is_skipped() -> None:
    """While a repeat waits it is the same."""
    story = told(every=M, retry=Retry(attempts=2))
    story.run(FAILURE)
    story.claim_when_due()
    story.at(NOON + 2 * M + 30 * S).skip()

    assert recorded(story) == [
        (NOON + 2 * M, NOON + 2 * M, 1),
        (NOON + 3 * M, NOON + 3 * M, 1),
    ]


def test_a_skip_during_another_run_is_of_the_slot_that_came_meanwhile() -> None:
    """A slot that a triggered run lasts over is the next one, and not lost (trap T49)."""
    story = told(every=M)
    story.at(NOON + 10 * S).trigger(TriggerKind.SIBLING)
    story.claim()
    story.start()
    story.at(NOON + 90 * S).skip()
    story.settle()

    assert recorded(story) == [(NOON + M, NOON + M, 1)]
    assert story.next is not None
    assert story.next.slot == NOON + 2 * M


def test_a_lost_claim_leaves_what_it_consumed_pending() -> None:
    """A claim reaped before its start is given back like any other (trap T48)."""
    story = told(every=M)
    story.pause(OPEN_ENDED)
    story.trigger(TriggerKind.SIBLING)
    story.claim()
    story.at(NOON + 20 * S).reap()

    assert len(story.situation.triggers) == 1


def every_25_minutes_at_most() -> Story:
    """An hourly expression that a longest guardrail tightens: its slots are counted, not found."""
    hourly = CronSchedule(expression=CronExpression.parse("0 * * * *"))
    return told(schedule=hourly, guardrails=Guardrails(longest=25 * M))


def test_a_oneshot_that_ends_unrun_leaves_the_slots_it_had_gone_before() -> None:
    """Nobody came until it was over: what would have followed it is next, and not a slot of now."""
    story = every_25_minutes_at_most()
    story.run()
    story.offer(a_oneshot(NOON + 40 * M, life=5 * M))
    story.at(NOON + 58 * M).claim()

    assert story.next is not None
    assert story.next.slot == NOON + 50 * M


def test_a_oneshot_that_ends_unrun_leaves_a_hint_its_slot() -> None:
    """A hint that lived at the one-shot's instant had a slot behind it, and a next one there."""
    story = told(every=M)
    story.run()
    story.offer(a_oneshot(NOON + 10 * M, life=5 * M))
    story.offer(an_interval_hint(30 * M, created_at=story.now, life=40 * M))
    story.at(NOON + 35 * M).claim()

    assert story.next is not None
    assert (story.next.slot, story.next.source) == (NOON + 31 * M, Source.AI_INTERVAL)


def test_a_hint_written_while_a_oneshot_stood_counts_from_there() -> None:
    """The one-shot was over before anybody came, and the hint's slot was due as it was written."""
    story = told(every=timedelta(hours=1))
    story.pause(OPEN_ENDED)
    story.offer(a_oneshot(NOON + 10 * M, life=5 * M))
    story.at(NOON + 12 * M).offer(an_interval_hint(5 * M, created_at=story.now))
    story.at(NOON + 20 * M).resume()

    assert story.next is not None
    assert story.next.slot == NOON + 12 * M


def test_the_slot_of_the_longest_outlives_the_hint_that_proposed_a_later_one() -> None:
    """What the guardrail demands is due, whatever becomes of the hint."""
    story = every_25_minutes_at_most()
    story.run()
    story.offer(an_interval_hint(90 * M, created_at=story.now, life=120 * M))
    story.at(NOON + 180 * M).claim()

    assert recorded(story) == [(NOON + 50 * M, NOON + 175 * M, 6)]
    assert [run.slot for run in story.runs] == [NOON + 25 * M, NOON + 180 * M]


def test_a_skip_does_not_take_the_slot_of_a_hint_that_has_ended() -> None:
    """What the hint had planned is not next any more; the schedule's slot is passed over."""
    story = told(every=10 * M)
    story.pause(OPEN_ENDED)
    story.offer(an_interval_hint(3 * M, created_at=story.now, life=5 * M))
    story.at(NOON + 8 * M).skip()

    assert recorded(story) == [(NOON + 10 * M, NOON + 10 * M, 1)]


def test_a_single_instant_that_came_in_the_archive_is_recorded_behind_a_trigger() -> None:
    """It is coalesced at the restore as any slot is, also where a trigger stands before it."""
    story = told(schedule=OnceSchedule(at=NOON + 40 * M))
    story.at(NOON + 10 * M).trigger(TriggerKind.SIBLING)
    story.archive()
    story.at(NOON + 50 * M).restore()
    story.run()

    assert recorded(story) == [(NOON + 40 * M, NOON + 40 * M, 1)]
    assert story.next is None


def test_a_longest_is_counted_from_the_last_slot_behind_a_restore() -> None:
    """What it asked for while a retry waited is recorded: no slot is lost (life 1633)."""
    hourly = CronSchedule(expression=CronExpression.parse("0 * * * *"))
    retry = Retry(attempts=2, backoff=M, backoff_most=M)
    story = told(schedule=hourly, guardrails=Guardrails(longest=10 * M), retry=retry)
    story.run(FAILURE)
    story.archive()
    story.after(5 * M).restore()
    story.archive()
    story.after(7 * M).restore()

    assert recorded(story) == [(NOON + 20 * M, NOON + 20 * M, 1)]


def test_a_longest_is_counted_from_the_last_slot_behind_an_edit() -> None:
    """It comes before the first slot of the new grid, and is recorded as well (life 2492)."""
    retry = Retry(attempts=2, backoff=M, backoff_most=M)
    story = told(every=60 * M, guardrails=Guardrails(longest=50 * M), retry=retry)
    story.run(FAILURE)
    story.after(10 * M).edit(schedule=IntervalSchedule(every=80 * M))
    story.archive()
    story.after(41 * M).restore()

    assert recorded(story) == [(NOON + 100 * M, NOON + 100 * M, 1)]


def test_what_passed_before_a_hint_was_written_is_the_schedules() -> None:
    """A hint that is written during a run counts from then on, and not before (ADR 0035)."""
    story = told(every=10 * M)
    claimed = story.claim_when_due()
    assert claimed is not None
    story.start()
    story.after(35 * M).offer(an_interval_hint(60 * M, created_at=story.now, life=90 * M))
    story.after(20 * M).settle()

    assert recorded(story) == [(NOON + 20 * M, NOON + 40 * M, 3)]


def test_a_hint_written_during_a_run_adds_slots_from_then_on() -> None:
    """Those before it lie where the schedule had them."""
    story = told(every=30 * M)
    story.claim_when_due()
    story.start()
    story.after(35 * M).offer(an_interval_hint(5 * M, created_at=story.now, life=90 * M))
    story.after(11 * M).settle()

    assert recorded(story) == [(NOON + 60 * M, NOON + 75 * M, 4)]


def test_a_slot_skipped_ahead_stays_skipped_where_an_edit_leaves_it() -> None:
    """Its record says that it does not run (life 1116)."""
    story = told(every=10 * M)
    story.skip()
    story.edit(schedule=CronSchedule(expression=CronExpression.parse("*/10 * * * *")))

    assert story.next is not None
    assert story.next.slot == NOON + 20 * M


def test_a_slot_skipped_ahead_is_forgotten_by_another_schedule() -> None:
    """What a person does takes effect at once: the new schedule begins now."""
    story = told(every=60 * M)
    story.skip()
    story.edit(schedule=IntervalSchedule(every=M))

    assert story.next is not None
    assert story.next.slot == NOON + M


def test_what_passed_while_a_repeat_made_way_for_a_trigger_is_recorded() -> None:
    """The repeat is dropped behind the trigger's run, whose slot lies before what passed."""
    story = told(every=S, retry=Retry(attempts=2, backoff=timedelta(), backoff_most=S))
    story.claim_when_due()
    story.start()
    story.after(S / 2).trigger(TriggerKind.SIBLING)
    story.pause(story.now + 2 * S)
    story.after(S).settle(FAILURE)
    assert story.claim() is not None
    story.start()
    story.after(S / 5).settle()

    assert recorded(story) == [(NOON + 2 * S, NOON + 2 * S, 1)]


def test_a_slot_given_back_keeps_its_delay_where_a_later_one_was_skipped() -> None:
    """Jitter never puts it past the instant of the longest, which counts from the slot before."""
    story = told(every=10 * M, jitter=5 * M, guardrails=Guardrails(longest=30 * M))
    story.offer(an_interval_hint(30 * M - 2 * S, created_at=NOON, life=90 * M))
    claimed = story.claim_when_due()
    assert claimed is not None
    assert claimed.plan.decision.due_at == NOON + 30 * M
    story.skip()
    story.after(10 * S).release()

    assert story.next is not None
    assert (story.next.slot, story.next.due_at) == (claimed.slot, NOON + 30 * M)


def test_what_passed_before_a_skipped_slot_is_counted_as_that_slot_is() -> None:
    """Failures that the run under way may end put off neither, so all are told of (leases 49)."""
    story = told(every=M)
    for _ in range(3):
        story.run(FAILURE)
    running = story.claim_when_due()
    assert running is not None
    story.start()
    story.after(3 * M + S).skip()
    story.settle()

    slot = running.slot
    assert recorded(story) == [(slot + M, slot + 3 * M, 3), (slot + 4 * M, slot + 4 * M, 1)]
    assert story.next is not None
    assert story.next.slot == slot + 5 * M


def test_a_run_that_fails_behind_a_skipped_slot_keeps_its_failures() -> None:
    """What passed before the skip is counted without them, but they are not forgotten."""
    story = told(every=M)
    for _ in range(3):
        story.run(FAILURE)
    story.claim_when_due()
    story.start()
    story.after(3 * M + S).skip()
    story.settle(FAILURE)

    assert story.state.failures == 4
