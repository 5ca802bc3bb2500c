"""Faults that seeds of the simulation brought to light; each was one once."""

from datetime import timedelta

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Bounds
from cronicorn_domain.testing.builders import MINUTE, an_interval_hint, at
from cronicorn_domain.testing.story import told


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
