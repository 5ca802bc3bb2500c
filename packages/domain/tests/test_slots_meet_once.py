"""Interventions, leases and late claims that meet: no slot has two fates, and no plan wavers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

from cronicorn_domain.identity import HintId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Rule, Source
from cronicorn_domain.model.endpoint import (
    Bounds,
    Guardrails,
    Misfire,
    MisfirePolicy,
    Retry,
)
from cronicorn_domain.model.hint import Author, IntervalHint, OneShotHint, TriggerKind
from cronicorn_domain.policies.replanning import plan_afresh, replan
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_domain.testing.story import FAILURE, Story, told

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
S, M, H, D = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def cron(text: str) -> CronSchedule:
    return CronSchedule(expression=CronExpression.parse(text))


def oneshot(story: Story, at: datetime, life: timedelta = H) -> None:
    story.offer(
        OneShotHint(
            id=HintId(new_uuid()),
            author=Author.AI,
            at=at,
            created_at=story.now,
            expires_at=at + life,
        )
    )


def hint(story: Story, every: timedelta, life: timedelta) -> None:
    story.offer(
        IntervalHint(
            id=HintId(new_uuid()),
            author=Author.AI,
            every=every,
            created_at=story.now,
            expires_at=story.now + life,
        )
    )


def restore(story: Story) -> None:
    """Archived and restored, all at once."""
    change = plan_afresh(story.situation, story.now, "restored")
    story.situation = replace(story.situation, state=change.state)
    story.records.extend(change.records)


def defer(story: Story, until: datetime) -> None:
    """Nothing is due before ``until``."""
    state = replace(story.state, not_before=until)
    story.situation = replace(story.situation, state=state)
    story.situation = replace(story.situation, state=replan(story.situation, story.now).state)


def replanned(story: Story, at: datetime | None = None) -> Story:
    """The same story, replanned without a cause, now or later."""
    now = at or story.now
    state = replan(story.situation, now).state
    return Story(replace(story.situation, state=state), now)


def told_of(story: Story) -> list[tuple[datetime, datetime, int]]:
    return sorted((each.first, each.last, each.count) for each in story.records)


def overlapping(story: Story) -> list[tuple[datetime, datetime]]:
    """What has two fates: two records, or a record and a run."""
    spans = [(first, last) for first, last, _ in told_of(story)]
    spans += [(run.slot, run.slot) for run in story.started if not run.plan.repeat]
    return [
        (max(one[0], two[0]), min(one[1], two[1]))
        for one, two in combinations(spans, 2)
        if one[0] <= two[1] and two[0] <= one[1]
    ]


def next_slot(story: Story) -> datetime:
    assert story.next is not None
    return story.next.slot


def test_a_run_by_hand_on_a_taken_slot_tells_the_instant_that_was_asked_for() -> None:
    """A replan comes to the same decision, its trail included (trap T50)."""
    story = told()
    story.trigger()

    assert replanned(story).next == story.next


def test_the_newest_slot_that_skip_runs_tells_its_own_jitter_alone() -> None:
    """The jitter of the slot that was passed over is no part of the decision."""
    story = told(5 * S, jitter=30 * S, misfire=Misfire(policy=MisfirePolicy.SKIP, grace=S))
    story.at(NOON + 25 * S)
    story.claim()
    assert story.next is not None
    rules = [line.rule for line in story.next.trail]

    assert rules.count(Rule.JITTER) <= 1
    assert replanned(story).next == story.next


def test_jitter_does_not_go_past_the_longest_also_when_it_has_passed() -> None:
    """Where a one-shot expired unrun, the slot behind it is due when the longest says so."""
    story = told(guardrails=Guardrails(longest=5 * M), jitter=5 * M)
    oneshot(story, NOON + S, life=M)
    story.at(NOON + H)
    once = replanned(story)

    assert once.next is not None
    assert once.next.due_at == NOON + 5 * M
    assert replanned(once).next == once.next


def test_a_trigger_outside_the_new_bounds_stands_no_longer() -> None:
    """An edit of the bounds takes effect at once, on whatever stands but runs by hand."""
    story = told()
    story.trigger(TriggerKind.SIBLING)
    story.edit(bounds=Bounds(starts_at=NOON + H))

    assert next_slot(story) == NOON + H


def test_a_slot_given_back_outside_the_new_bounds_is_recorded() -> None:
    """What an edit during the claim has put out of the bounds does not run after it."""
    story = told(5 * S, misfire=Misfire(policy=MisfirePolicy.CATCH_UP))
    story.at(NOON + 70 * S)
    claimed = story.claim()
    assert claimed is not None
    story.edit(bounds=Bounds(starts_at=NOON + H))
    story.release()

    assert next_slot(story) == NOON + H
    assert (claimed.slot, claimed.slot, 1) in told_of(story)


def test_a_oneshot_competes_with_the_slot_where_the_shortest_puts_it() -> None:
    """Whether anyone replans between the grid's slot and the moved one does not matter."""
    story = told(schedule=cron("* * * * *"), floor=4 * M)
    story.run()
    oneshot(story, NOON + 3 * M + 30 * S)
    planned = next_slot(story)

    assert planned == NOON + 3 * M + 30 * S
    assert next_slot(replanned(story, NOON + 3 * M + 10 * S)) == planned


def test_a_hint_competes_with_the_slot_where_the_shortest_puts_it() -> None:
    """A tightening hint and the schedule are compared where both would really run (trap T49)."""
    story = told(schedule=cron("*/10 * * * * *"), guardrails=Guardrails(shortest=15 * S))
    story.run(lasts=8 * S)
    hint(story, 7 * S, M)
    planned = next_slot(story)

    assert next_slot(replanned(story, NOON + 21 * S)) == planned == NOON + 25 * S


def test_a_restore_during_a_run_by_hand_takes_the_standing_plan() -> None:
    """The slot that the restore recorded is not run behind the run that went before it."""
    story = told()
    story.at(NOON + 11 * M).trigger()
    story.claim()
    story.start()
    restore(story)
    story.settle()

    assert told_of(story) == [(NOON + 10 * M, NOON + 10 * M, 1)]
    assert next_slot(story) == NOON + 20 * M


def test_a_slot_given_back_after_a_restore_coalesces_nothing_twice() -> None:
    """The late claim, and an edit, tell only of slots that the restore has not told of."""
    late, changed = told(), told()
    for story in (late, changed):
        story.at(NOON + 10 * M)
        story.claim()
        story.at(NOON + 35 * M)
        restore(story)
        story.release()
        story.at(NOON + 65 * M)
    late.run()
    changed.edit(schedule=IntervalSchedule(every=H))

    assert told_of(late) == [
        (NOON + 10 * M, NOON + 10 * M, 1),
        (NOON + 20 * M, NOON + 30 * M, 2),
        (NOON + 40 * M, NOON + 50 * M, 2),
    ]
    assert not overlapping(late)
    assert not overlapping(changed)


def test_a_skip_during_a_run_by_hand_takes_the_standing_plan() -> None:
    """A single instant that was skipped meanwhile is over."""
    story = told(schedule=OnceSchedule(at=NOON + 5 * M))
    story.trigger()
    story.claim_when_due()
    story.start()
    story.skip()
    story.at(NOON + 6 * M).settle()

    assert story.next is None
    assert len(story.records) == 1


def held_back() -> Story:
    """A plan of a minutely cron that has moved on from 12:01 to 12:09, where 12:05 is due."""
    story = told(
        schedule=cron("* * * * *"),
        guardrails=Guardrails(shortest=5 * M),
        misfire=Misfire(grace=30 * S),
    )
    story.at(NOON + 4 * M + 30 * S).trigger()
    story.run()
    assert next_slot(story) == NOON + 9 * M
    return story


def test_a_skip_tells_of_what_the_plan_moved_on_from() -> None:
    """The skipped slot and those a late start passed over have their records."""
    story = held_back()
    story.skip()

    assert told_of(story) == [
        (NOON + M, NOON + 8 * M, 8),
        (NOON + 9 * M, NOON + 9 * M, 1),
    ]


def test_an_edit_counts_what_the_plan_moved_on_from() -> None:
    """From, to and count of one record agree."""
    story = held_back()
    story.at(NOON + 9 * M).edit(schedule=IntervalSchedule(every=H))

    assert told_of(story) == [(NOON + M, NOON + 9 * M, 9)]


def test_an_edit_tells_only_of_slots_that_have_come() -> None:
    """What a deferral made the plan move on to lies ahead, and is the new schedule's."""
    story = told(5 * S, misfire=Misfire(grace=S))
    story.situation = replace(story.situation, state=replace(story.state, not_before=NOON + 26 * S))
    story.pause(OPEN_ENDED)
    story.resume()
    assert next_slot(story) == NOON + 25 * S
    story.at(NOON + 9 * S).edit(bounds=Bounds(ends_at=NOON + H))
    story.run()

    assert (NOON + 5 * S, NOON + 5 * S, 1) in told_of(story)
    assert not overlapping(story)


def test_a_slot_given_back_after_a_restore_moves_on_over_nothing_twice() -> None:
    """A run-now in between holds the slot given back until a newer one: each is told of once."""
    story = told(5 * S, misfire=Misfire(grace=S))
    story.claim_when_due()
    story.at(NOON + 2 * M)
    restore(story)
    story.release()
    story.trigger()
    story.run()
    story.run()

    assert not overlapping(story)


def test_a_trigger_takes_no_slot_that_a_run_before_the_last_one_had() -> None:
    """Run-now, one-shot and trigger within a millisecond keep three slots apart (trap T46)."""
    story = told()
    story.trigger()
    run = story.run(lasts=timedelta())
    oneshot(story, story.now, life=S)
    story.trigger(TriggerKind.SIBLING)
    story.claim_when_due()
    story.release()
    story.at(story.now + 5 * S)
    again = story.run()

    assert run.slot < again.slot


def test_a_hint_due_now_and_a_pending_run_by_hand_have_two_slots() -> None:
    """Where jitter keeps the one from serving the other, they share no slot and no key (T46)."""
    story = told(jitter=30 * S).at(NOON + 2 * M)
    story.trigger()
    hint(story, M, H)
    assert story.state.urgent is not None
    assert story.state.plan is not None

    assert story.state.urgent.slot != story.state.plan.slot
    assert replanned(story).state == story.state


def test_a_trigger_takes_no_slot_that_was_given_back_and_then_skipped() -> None:
    """A slot of the rhythm that has passed is taken, whether or not it was run (trap T46)."""
    story = told(misfire=Misfire(policy=MisfirePolicy.SKIP))
    story.claim_when_due()
    story.release()
    story.trigger(TriggerKind.SIBLING)
    story.pause(OPEN_ENDED)
    story.at(story.now + 35 * M)
    story.claim()
    story.release()
    story.resume()
    story.run()

    assert len({(run.slot, run.plan.attempt) for run in story.runs}) == len(story.runs)


def test_a_run_by_hand_that_made_way_for_a_trigger_repeats_no_attempt() -> None:
    """Given back behind a pause, and then ahead of it a trigger: each has its slot (trap T46)."""
    story = told()
    story.at(NOON + M).trigger()
    story.claim()
    story.pause(OPEN_ENDED)
    story.release()
    story.at(story.now + S).trigger(TriggerKind.SIBLING)
    story.claim()
    story.resume()
    story.release()
    story.run()
    story.run()

    assert len(story.runs) == 4
    assert len({(run.slot, run.plan.attempt) for run in story.runs}) == 4


def test_a_dropped_retry_leaves_the_noted_slots_to_be_caught_up() -> None:
    """What is noted has not passed."""
    story = told(misfire=Misfire(policy=MisfirePolicy.CATCH_UP), retry=Retry(attempts=2))
    story.at(NOON + 35 * M)
    story.run(FAILURE)
    story.at(NOON + 45 * M)
    defer(story, NOON + H)
    for _ in range(2):
        story.run()

    assert [run.slot for run in story.started] == [NOON + slot * M for slot in (10, 20, 30)]
    assert not overlapping(story)


def test_a_dropped_repeat_of_a_trigger_swallows_no_slot_that_passed() -> None:
    """Slots that passed while the repeat waited are run, or recorded when a deferral holds on."""
    story = told(every=5 * M)
    story.trigger(TriggerKind.SIBLING)
    story.claim_when_due()
    story.start()
    story.at(story.now + 10 * S).reap()
    assert story.next is not None
    assert story.next.source is Source.RETRY
    story.at(NOON + 7 * M)
    defer(story, NOON + H)
    run = story.run()

    assert run.slot == NOON + H
    assert told_of(story) == [(NOON + 5 * M, NOON + 55 * M, 11)]


def test_the_newest_of_a_long_uneven_outage_is_not_recorded_as_older() -> None:
    """Behind a hundred slots the schedule's own are counted, and its newest runs."""
    story = told(schedule=cron("30 2 * * *"), guardrails=Guardrails(shortest=M, longest=M))
    story.at(NOON + 20 * H)
    story.run()

    assert not overlapping(story)


def test_a_claim_given_back_after_a_misfire_comes_to_nothing_twice() -> None:
    """What the late claim coalesced has passed, also for the jitter of the slot given back."""
    story = told(M, guardrails=Guardrails(longest=M), misfire=Misfire(policy=MisfirePolicy.SKIP))
    story.at(NOON + 10 * M + 30 * S)
    claimed = story.claim()
    story.release()

    assert claimed is not None
    assert claimed.plan.decision.source is Source.BASELINE_INTERVAL
    assert story.state.last_slot == NOON + 9 * M
    assert next_slot(story) == NOON + 10 * M
