"""Slots and attempts where several things happen at once: each was once lost or doubled."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cronicorn_domain.identity import HintId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.endpoint import (
    Bounds,
    Guardrails,
    Misfire,
    MisfirePolicy,
    Retry,
)
from cronicorn_domain.model.hint import Author, IntervalHint, OneShotHint, TriggerKind
from cronicorn_domain.model.run import Blocked
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.explaining import explain
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_domain.testing.story import FAILURE, Story, told

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
S, M, H, D = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def cron(text: str) -> CronSchedule:
    return CronSchedule(expression=CronExpression.parse(text))


def hint(story: Story, every: timedelta, life: timedelta = 10 * H) -> None:
    story.offer(
        IntervalHint(
            id=HintId(new_uuid()),
            author=Author.AI,
            every=every,
            created_at=story.now,
            expires_at=story.now + life,
        )
    )


def oneshot(story: Story, at: datetime) -> None:
    story.offer(
        OneShotHint(
            id=HintId(new_uuid()), author=Author.AI, at=at, created_at=story.now, expires_at=at + H
        )
    )


def slots(story: Story) -> list[datetime]:
    return [run.slot for run in story.runs]


def recorded(story: Story) -> list[tuple[datetime, datetime, int]]:
    return [(each.first, each.last, each.count) for each in story.records]


def next_slot(story: Story) -> datetime:
    assert story.next is not None
    return story.next.slot


def catching_up(**fields: Any) -> Story:
    policy = Misfire(policy=MisfirePolicy.CATCH_UP, catch_up_limit=3)
    return told(misfire=policy, **fields)


def test_a_sibling_trigger_given_back_goes_on_with_its_next_attempt() -> None:
    """Paused, triggered, given back, resumed: the slot's second claim is its second attempt."""
    story = told()
    story.pause(OPEN_ENDED)
    story.at(NOON + 3 * M).trigger(TriggerKind.SIBLING)
    story.claim()
    story.release()
    story.resume()
    run = story.run()

    assert (run.slot, run.plan.attempt) == (NOON + 3 * M, 2)


def test_the_creation_is_no_slot() -> None:
    """A trigger at the very creation leaves no recurring slot there."""
    story = told()
    story.trigger(TriggerKind.SIBLING)
    story.pause(OPEN_ENDED)
    story.run()
    story.resume()

    assert next_slot(story) == NOON + 10 * M


def test_a_run_by_hand_on_the_grid_takes_no_slot_of_the_rhythm() -> None:
    """A run-now on a grid instant inside another slot's jitter keeps both apart (trap T46)."""
    story = told(jitter=9 * M + 30 * S)
    story.at(NOON + 20 * M).trigger()
    story.run()
    story.at(NOON + 20 * M + 10 * S).trigger()
    story.run()
    story.at(NOON + 21 * M + 40 * S)
    story.claim()

    assert len(set(slots(story))) == len(slots(story))


def test_a_retry_by_hand_leaves_the_standing_plan() -> None:
    """The slot inside its jitter is run after the run-now and its tries are over (trap T47)."""
    story = told(jitter=9 * M, retry=Retry(attempts=2))
    story.at(NOON + 11 * M).trigger()
    story.run(FAILURE)
    story.run()

    assert NOON + 10 * M in slots(story)


def test_a_lost_run_by_hand_leaves_the_standing_plan() -> None:
    """The successor of a lost run-now does not overwrite what it went before (trap T48)."""
    story = told(jitter=9 * M)
    story.at(NOON + 11 * M).trigger()
    story.claim()
    story.start()
    story.at(story.now + 10 * S).reap()
    story.run()

    assert NOON + 10 * M in slots(story)


def test_a_paused_endpoints_trigger_is_retried_while_it_is_paused() -> None:
    """The repeat of a run that fired despite the pause fires despite it, too."""
    story = told(every=H, retry=Retry(attempts=2))
    story.pause(OPEN_ENDED)
    story.at(NOON + 3 * M).trigger(TriggerKind.SIBLING)
    story.run(FAILURE)
    run = story.run()

    assert (run.slot, run.plan.attempt) == (NOON + 3 * M, 2)
    assert story.claimable_from is None


def held_back() -> Story:
    """A minutely cron that a shortest of five minutes holds back, with a grace of 30 s."""
    story = told(
        schedule=cron("* * * * *"),
        guardrails=Guardrails(shortest=5 * M),
        misfire=Misfire(grace=30 * S),
    )
    story.at(NOON + 4 * M + 30 * S).trigger()
    story.run()
    return story


def test_slots_a_plan_moved_on_from_are_recorded_also_after_a_misfire() -> None:
    """What a late start passed over is recorded with what the late claim coalesced."""
    story = held_back()
    assert story.next is not None
    story.at(story.next.due_at + 90 * S)
    story.claim()

    assert min(first for first, _, _ in recorded(story)) == NOON + M
    assert sum(count for _, _, count in recorded(story)) + 1 == (slots(story)[-1] - NOON) // M


def test_slots_a_plan_moved_on_from_are_recorded_once() -> None:
    """A claim that is given back does not record them again."""
    story = held_back()
    story.claim_when_due()
    story.release()
    story.claim_when_due()

    assert len(story.records) == 1


def test_a_replan_does_not_forget_what_a_plan_moved_on_from() -> None:
    """Pausing and resuming while the moved slot waits loses none of them."""
    story = told(
        schedule=cron("* * * * *"),
        guardrails=Guardrails(shortest=5 * M),
        misfire=Misfire(grace=30 * S),
    )
    story.at(NOON + 30 * S).trigger()
    story.run()
    story.at(NOON + 4 * M + 10 * S).pause(OPEN_ENDED)
    story.resume()
    story.run()

    assert sum(count for _, _, count in recorded(story)) + 1 == (slots(story)[-1] - NOON) // M


def test_a_plan_does_not_move_on_past_its_end() -> None:
    """The newest slot within the bounds is the last to move to."""
    story = told(
        schedule=cron("* * * * *"),
        guardrails=Guardrails(shortest=3 * M),
        misfire=Misfire(grace=20 * S),
        bounds=Bounds(ends_at=NOON + 10 * M + 30 * S),
    )
    story.at(NOON + 6 * M + 50 * S)
    story.run()
    story.at(NOON + 8 * M + 30 * S).trigger()
    story.run()

    assert next_slot(story) == NOON + 10 * M


def test_a_skip_passes_over_one_slot_and_no_more() -> None:
    """Of several overdue slots the oldest is skipped; the others meet the misfire policy."""
    story = told().at(NOON + 35 * M)
    story.skip()

    assert recorded(story) == [(NOON + 10 * M, NOON + 10 * M, 1)]
    assert next_slot(story) == NOON + 20 * M


def test_an_edit_forgets_a_slot_skipped_ahead_of_time() -> None:
    """A skip of tomorrow's slot does not hold back the schedule that replaced it (trap T12)."""
    story = told(every=D)
    story.skip()
    story.edit(schedule=IntervalSchedule(every=M))
    assert next_slot(story) == NOON + M

    story = told()
    story.skip()
    story.edit(schedule=OnceSchedule(at=NOON + 5 * M))
    assert next_slot(story) == NOON + 5 * M


@pytest.mark.parametrize(
    "write",
    [
        lambda story: story.edit(guardrails=Guardrails(shortest=5 * S)),
        lambda story: story.edit(description="another"),
        lambda story: story.reset_failures(),
        lambda story: story.pause(NOON + 5 * M),
        lambda story: story.trigger(),
    ],
)
@pytest.mark.parametrize("schedule", [IntervalSchedule(every=10 * M), "cron"])
def test_a_skip_ahead_of_time_is_remembered_by_other_writes(
    write: Callable[[Story], object], schedule: Any
) -> None:
    """A person passes one slot over; only another schedule makes that pointless."""
    story = told(schedule=cron("*/10 * * * *") if schedule == "cron" else schedule)
    story.having(failures=1)
    story.skip()
    skipped = recorded(story)
    story.at(NOON + S)
    write(story)
    first = story.run()
    if first.plan.kind is Kind.MANUAL:
        first = story.run()

    assert skipped == recorded(story)
    assert first.slot > skipped[0][1]


def test_an_edit_that_leaves_the_slots_keeps_the_skip() -> None:
    """Another end or run count is no other schedule."""
    story = told()
    story.skip()
    story.at(NOON + S).edit(bounds=Bounds(max_runs=5))

    assert next_slot(story) == NOON + 20 * M


def test_a_skip_during_a_run_holds_behind_it() -> None:
    """The slot that was passed over does not come back with the settle, the release or the loss."""
    for end in (Story.settle, Story.reap):
        story = told()
        story.claim_when_due()
        story.start()
        story.skip()
        story.at(story.now + S)
        end(story)
        while story.run().slot == NOON + 10 * M:
            pass  # the repeat of the lost run
        assert story.runs[-1].slot == NOON + 30 * M

    story = told()
    story.claim_when_due()
    story.skip()
    story.release()
    assert [story.run().slot, story.run().slot] == [NOON + 10 * M, NOON + 30 * M]


def test_a_slot_given_back_after_its_schedule_is_gone_is_not_run() -> None:
    """What a person does takes effect at once: the new rhythm holds, and a record tells why."""
    story = told()
    story.claim_when_due()
    story.at(story.now + S).edit(schedule=cron("5 * * * *"))
    story.at(story.now + S).release()

    assert recorded(story) == [(NOON + 10 * M, NOON + 10 * M, 1)]
    assert story.records[-1].fate is Fate.COALESCED
    assert "edit" in story.records[-1].reason
    assert next_slot(story) == NOON + H + 5 * M


def test_slots_of_the_new_schedule_that_came_during_a_claim_are_not_lost() -> None:
    """Between the edit and the release its slots come as they would have without a claim."""
    story = told()
    story.claim_when_due()
    story.at(story.now + S).edit(schedule=IntervalSchedule(every=10 * S))
    story.at(story.now + 25 * S).release()

    assert next_slot(story) == NOON + 10 * M + 11 * S


def test_a_slot_given_back_that_the_new_schedule_knows_is_due_again() -> None:
    """An edit that leaves the slot on the grid takes nothing from it."""
    story = told(schedule=cron("*/10 * * * *"))
    claimed = story.claim_when_due()
    story.at(story.now + S).edit(schedule=cron("*/5 * * * *"))
    story.at(story.now + S).release()
    again = story.run()

    assert claimed is not None
    assert (again.slot, again.plan.attempt) == (claimed.slot, 2)
    assert not story.records


def test_a_single_instant_given_back_after_it_was_moved_runs_at_the_new_one() -> None:
    """The old instant is on record, and the new one stands."""
    story = told(schedule=OnceSchedule(at=NOON + M))
    story.claim_when_due()
    story.edit(schedule=OnceSchedule(at=NOON + H))
    story.release()

    assert recorded(story) == [(NOON + M, NOON + M, 1)]
    assert next_slot(story) == NOON + H


def test_a_repeat_and_a_living_hints_slot_survive_an_edit_and_a_release() -> None:
    """Those stand whatever the schedule is."""
    story = told(retry=Retry(attempts=2, backoff=S, backoff_most=S))
    story.run(FAILURE)
    story.claim_when_due()
    story.edit(schedule=cron("5 * * * *"))
    story.release()
    assert next_slot(story) == NOON + 10 * M

    story = told()
    hint(story, M)
    claimed = story.claim_when_due()
    story.edit(schedule=cron("5 * * * *"))
    story.release()
    assert claimed is not None
    assert next_slot(story) == claimed.slot


def test_a_restored_hints_slot_that_is_caught_up_is_due_again_when_given_back() -> None:
    """It stood behind the restore since its hint lives; a claim does not change whose it is."""
    story = catching_up(schedule=cron("*/5 * * * *"))
    hint(story, 7 * M)
    planned = next_slot(story)
    story.archive()
    story.at(NOON + 33 * M).restore()
    claimed = story.claim_when_due()
    story.at(story.now + M).release()
    again = story.run()

    assert claimed is not None
    assert claimed.plan.decision.source is Source.CATCH_UP
    assert (again.slot, again.plan.attempt) == (planned, 2)
    assert not story.records


def test_caught_up_slots_of_a_schedule_that_is_gone_are_coalesced_with_the_rest() -> None:
    """An edit during the claim of one that was noted gives up all of them."""
    story = catching_up()
    story.at(NOON + 35 * M)
    story.claim()
    story.edit(schedule=cron("5 * * * *"))
    story.release()

    assert sum(record.count for record in story.records) == 3
    assert next_slot(story) == NOON + H + 5 * M


def test_a_skip_during_a_run_is_of_the_slot_behind_it() -> None:
    """The slot that runs is not the next one; the rhythm of a hint stays."""
    once = told(schedule=OnceSchedule(at=NOON + M))
    once.claim_when_due()
    once.start()
    once.skip()
    once.settle()
    assert not once.records

    story = told()
    hint(story, M)
    story.claim_when_due()
    story.start()
    story.at(story.now + 5 * S).skip()
    story.settle()

    assert recorded(story) == [(NOON + 2 * M, NOON + 2 * M, 1)]
    assert next_slot(story) == NOON + 3 * M


def test_a_slot_skipped_during_a_run_is_not_coalesced_as_well() -> None:
    """One slot, one record."""
    story = told()
    story.claim_when_due()
    story.start()
    story.skip()
    story.at(story.now + 12 * M).settle()

    assert recorded(story) == [(NOON + 20 * M, NOON + 20 * M, 1)]


def test_slots_from_before_an_edit_never_existed() -> None:
    """Behind an edit during a run only its own slots count (trap T12)."""
    story = catching_up(every=D)
    story.at(NOON + M).trigger()
    story.claim()
    story.start()
    story.at(NOON + 20 * M).edit(schedule=IntervalSchedule(every=M))
    story.at(NOON + 20 * M + 30 * S).settle()

    assert next_slot(story) == NOON + 21 * M
    assert not story.records


def test_slots_that_passed_during_a_run_before_an_edit_are_recorded() -> None:
    """The old schedule's slots up to the edit, then the new one's."""
    story = told()
    story.claim_when_due()
    story.start()
    story.at(NOON + 34 * M).edit(schedule=IntervalSchedule(every=M))
    story.at(NOON + 36 * M).settle()

    assert recorded(story) == [
        (NOON + 20 * M, NOON + 30 * M, 2),
        (NOON + 35 * M, NOON + 36 * M, 2),
    ]


def test_an_edit_with_a_standing_oneshot_plans_from_now() -> None:
    """The one-shot stands; behind it comes the first slot of the new schedule after the edit."""
    story = told(every=D)
    oneshot(story, NOON + M)
    story.at(NOON + 20 * M).edit(schedule=cron("*/7 * * * *"))
    story.run()

    assert next_slot(story) == NOON + 21 * M


def test_an_edit_while_catching_up_records_everything_that_is_left() -> None:
    """Given-back, noted and passed slots alike leave a record."""
    story = catching_up().at(NOON + 65 * M)
    story.claim()
    story.release()
    story.edit(schedule=IntervalSchedule(every=H))
    assert sum(count for _, _, count in recorded(story)) == 6

    story = catching_up().at(NOON + 65 * M)
    story.run()
    story.at(NOON + 95 * M).edit(schedule=IntervalSchedule(every=H))
    assert sum(count for _, _, count in recorded(story)) == 8


def test_the_run_count_holds_against_triggers_of_a_paused_endpoint() -> None:
    """Bounds judge every kind but runs by hand."""
    story = told(bounds=Bounds(max_runs=1))
    story.run()
    story.pause(OPEN_ENDED)
    story.at(NOON + 20 * M).trigger(TriggerKind.SIBLING)
    assert story.claimable_from is None

    story = told(bounds=Bounds(max_runs=1), jitter=9 * M)
    story.at(NOON + 10 * M + S).pause(OPEN_ENDED)
    story.trigger(TriggerKind.SIBLING)
    story.run()
    story.resume()
    assert story.next is None
    assert story.state.run_count == 1


def test_a_dropped_repeat_swallows_no_slot_that_a_run_by_hand_lasted_over() -> None:
    """Only slots up to where the next one is looked for are coalesced (trap T49)."""
    story = told(floor=M)
    story.at(NOON + 18 * M + 50 * S)
    story.claim()
    story.start()
    story.at(story.now + 10 * S).reap()
    story.at(NOON + 19 * M + 30 * S).trigger()
    story.run(lasts=40 * S)

    assert NOON + 20 * M in {next_slot(story), *slots(story)}


def test_coalescing_counts_a_hint_within_its_life_only() -> None:
    """Behind its end the schedule's own slots passed."""
    story = told(every=H)
    hint(story, M, life=10 * M)
    story.run()
    story.run(lasts=40 * M)

    assert recorded(story) == [(NOON + 3 * M, NOON + 9 * M, 7)]
    assert next_slot(story) == NOON + H


def test_a_plan_of_an_interval_below_the_shortest_is_moved_by_no_replan() -> None:
    """A replan near the slot comes to the same slot."""
    story = told(every=45 * S, floor=M)
    story.run()
    planned = next_slot(story)
    story.at(NOON + 95 * S).pause(OPEN_ENDED)
    story.resume()

    assert next_slot(story) == planned == NOON + 105 * S


def test_before_its_start_a_plan_is_the_one_it_has_after_it() -> None:
    """Whether anyone writes something after starts_at does not matter."""
    starts_at = NOON + H
    story = told(schedule=cron("0 18 * * *"), bounds=Bounds(starts_at=starts_at), anchor=starts_at)
    hint(story, 30 * M, life=20 * H)
    planned = next_slot(story)
    story.at(NOON + 70 * M).pause(OPEN_ENDED)
    story.resume()

    assert next_slot(story) == planned == NOON + 90 * M


def test_a_tightening_hint_never_lengthens_a_gap_after_a_long_run() -> None:
    """A run of 50 minutes under a hint of 45 leaves the hourly slot where it is (trap T49)."""
    story = told(every=H, anchor=NOON - H, created_at=NOON - H)
    story.claim_when_due()
    story.start()
    hint(story, 45 * M, life=20 * H)
    story.at(NOON + 50 * M).settle()

    assert next_slot(story) == NOON + H


def test_a_slot_that_the_shortest_leaves_in_place_is_recorded_when_it_passes() -> None:
    """Recorded is what would have been planned."""
    story = told(schedule=cron("0,50 * * * *"), guardrails=Guardrails(shortest=15 * M))
    story.at(NOON + 49 * M)
    story.run(lasts=20 * M)

    assert recorded(story) == [(NOON + H, NOON + H, 1)]


def test_a_oneshot_between_milliseconds_is_neither_early_nor_doubled() -> None:
    """A slot is whole milliseconds, rounded so that nothing is early (traps T03, T10)."""
    story = told()
    oneshot(story, NOON + 5 * M + timedelta(microseconds=500))
    run = story.run(lasts=timedelta())

    assert run.at == NOON + 5 * M + timedelta(milliseconds=1)
    assert len(run.hints) == 1
    assert next_slot(story) == NOON + 10 * M


def test_a_waiting_run_by_hand_does_not_block_a_siblings_trigger() -> None:
    """While an endpoint is paused only the sibling's can fire, and does."""
    story = told()
    story.run()
    story.trigger()
    story.at(story.now + timedelta(milliseconds=5)).pause(OPEN_ENDED)
    story.at(story.now + timedelta(milliseconds=5)).trigger(TriggerKind.SIBLING)

    assert story.run().plan.kind is Kind.TRIGGER


def test_a_single_instant_before_the_start_is_no_slot() -> None:
    """Bounds judge a once like any other slot."""
    story = told(schedule=OnceSchedule(at=NOON + 5 * M), bounds=Bounds(starts_at=NOON + H))

    assert story.next is None


def test_skip_judges_a_hints_slot_by_its_own_jitter() -> None:
    """The jitter that counts is the one the slot was planned with (trap T47)."""
    story = told(every=H, jitter=50 * M, misfire=Misfire(policy=MisfirePolicy.SKIP))
    hint(story, 2 * M)
    story.at(NOON + 9 * M + 59 * S)
    for _ in range(3):
        claimed = story.claim()
        if claimed is not None:
            assert story.now - claimed.plan.decision.due_at <= M
            break


def test_the_sentence_names_the_floor_that_holds_back() -> None:
    """Not the guardrail, which is shorter."""
    story = told(every=45 * S, floor=M, guardrails=Guardrails(shortest=10 * S))
    story.run()

    assert "(1 min)" in explain(story.situation, story.now).sentence


def test_lengths_at_the_end_of_the_calendar_overflow_nothing() -> None:
    """Bounds and instants end before sums with lengths leave the calendar (trap T30)."""
    starts_at = datetime(8999, 12, 31, tzinfo=UTC)
    story = told(
        every=timedelta(days=3660),
        bounds=Bounds(starts_at=starts_at),
        anchor=starts_at,
        guardrails=Guardrails(longest=timedelta(days=3000)),
    )
    story.run(FAILURE)

    assert next_slot(story) > starts_at


def test_what_was_blocked_does_not_use_up_the_run_count() -> None:
    """Nothing was sent, so no occurrence has started."""
    story = told(bounds=Bounds(max_runs=1))
    story.run(Blocked(message="not let out"))

    assert story.state.run_count == 0
    assert [each.fate for each in story.records] == [Fate.BLOCKED]
    assert story.run().plan.decision.source is Source.BASELINE_INTERVAL
