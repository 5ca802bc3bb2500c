"""Faults that an independent reading of histories brought to light; each was one once."""

from datetime import UTC, datetime, timedelta

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Bounds, Misfire, MisfirePolicy, Retry
from cronicorn_domain.model.hint import TriggerKind
from cronicorn_domain.schedules.schedule import IntervalSchedule
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
