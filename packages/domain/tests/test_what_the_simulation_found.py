"""Faults that seeds of the simulation brought to light; each was one once."""

from datetime import timedelta

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Bounds, Retry
from cronicorn_domain.testing.builders import MINUTE, SECOND, an_interval_hint, at
from cronicorn_domain.testing.story import FAILURE, Story, told


def test_the_slot_of_a_hint_that_has_ended_leaves_a_record_when_the_rhythm_begins_anew() -> None:
    """A hint's plan stands no longer than the hint; what came of it meanwhile is coalesced."""
    story = told(every=10 * MINUTE)
    story.run()
    story.at(at("12:11:00")).pause(OPEN_ENDED)
    life = timedelta(minutes=5)
    story.offer(an_interval_hint(2 * MINUTE, created_at=story.now, life=life))
    story.at(at("12:30:00")).edit(bounds=Bounds(ends_at=at("12:15:00")))

    assert story.next is None
    assert [(each.first, each.last) for each in story.records] == [(at("12:12:00"), at("12:30:00"))]


def test_a_run_that_ends_in_the_archive_plans_nothing() -> None:
    """What a hint would have put behind it is coalesced at the restore, and not run."""
    story = told(every=10 * MINUTE)
    story.run()
    story.offer(an_interval_hint(2 * MINUTE, created_at=story.now))
    story.claim_when_due()
    story.start()
    story.archive()
    story.after(SECOND).settle()
    assert story.state.plan is None
    story.at(at("12:17:00")).restore()

    assert story.next is not None
    assert story.next.slot == at("12:18:00")
    assert [(each.first, each.last) for each in story.records] == [(at("12:14:00"), at("12:16:00"))]


def test_a_failure_before_a_success_does_not_count_when_its_retry_is_dropped() -> None:
    """A run by hand puts the retry off behind the next slot, and succeeds: none is consecutive."""
    story = _waiting_for_a_retry()
    story.trigger()
    assert story.run().plan.kind is Kind.MANUAL

    assert story.state.plan is not None
    assert not story.state.plan.repeat
    assert story.state.failures == 0


def test_a_reset_forgives_the_failure_that_a_retry_follows() -> None:
    """Behind it only the run by hand has failed, whatever becomes of the retry."""
    story = _waiting_for_a_retry()
    story.reset_failures()
    before = story.state
    story.reset_failures()
    assert story.state == before
    story.trigger()
    assert story.run(FAILURE).plan.kind is Kind.MANUAL

    assert story.state.plan is not None
    assert not story.state.plan.repeat
    assert story.state.failures == 1


def _waiting_for_a_retry() -> Story:
    """The floor lets the retry start just before the next slot, and not behind another run."""
    floor = 30 * SECOND
    story = told(every=floor, floor=floor, retry=Retry(attempts=2, backoff=timedelta()))
    story.run(FAILURE)
    assert story.state.plan is not None
    assert story.state.plan.repeat
    return story.after(10 * SECOND)
