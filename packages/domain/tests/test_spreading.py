"""A crowd on one minute is spread by jitter, evenly and always in the same way: trap T29."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from cronicorn_domain.identity import EndpointId, new_uuid
from cronicorn_domain.model.endpoint import Guardrails
from cronicorn_domain.testing.builders import MINUTE, SECOND, at, cron
from cronicorn_domain.testing.story import Story, told

CROWD = 3000
HALF_A_MINUTE = 30 * SECOND


def crowd(jitter: timedelta) -> list[Story]:
    """Begin the lives of thousands of endpoints on the same minute."""
    one = told(schedule=cron("* * * * *"), jitter=jitter).situation.endpoint
    return [Story.of(replace(one, id=EndpointId(new_uuid()))) for _ in range(CROWD)]


def test_a_crowd_on_one_minute_starts_evenly_over_its_jitter() -> None:
    """No second of the half minute gets more than twice its share of starts (trap T29)."""
    starts: Counter[int] = Counter()
    for story in crowd(HALF_A_MINUTE):
        assert story.next is not None
        assert story.next.slot == at("12:01:00")
        delay = story.next.due_at - story.next.slot
        assert timedelta() <= delay < HALF_A_MINUTE
        starts[delay // SECOND] += 1

    share = CROWD / 30
    assert len(starts) == 30
    assert share / 2 < min(starts.values())
    assert max(starts.values()) < 2 * share


def test_the_spread_is_the_same_whenever_it_is_computed() -> None:
    """Another plan of the same slot, by whichever worker, starts at the same instant."""
    for story in crowd(HALF_A_MINUTE)[:100]:
        assert Story.of(story.situation.endpoint).next == story.next


def test_jitter_never_brings_two_starts_closer_than_the_floor_allows() -> None:
    """The shortest interval and the tenant's floor hold against jitter, too (trap T17)."""
    for story in crowd(MINUTE)[:100]:
        story.edit(guardrails=Guardrails(shortest=MINUTE))
        starts = [story.run(lasts=timedelta()).at for _ in range(5)]
        gaps = [later - earlier for earlier, later in pairwise(starts)]

        assert min(gaps) >= MINUTE * 9 / 10
