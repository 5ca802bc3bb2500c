"""The breaker: what counts for a host, and that what it holds back is accounted for."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.breaker import Breaker, Trouble
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.endpoint import Guardrails, Misfire, MisfirePolicy, Retry
from cronicorn_domain.model.run import Blocked, FailureKind, Outcome, Succeeded
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.breaking import (
    Tally,
    Word,
    hold_back,
    passes_breaker,
    tallied,
    word_on_host,
)
from cronicorn_domain.policies.change import Claim
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.policies.explaining import explain
from cronicorn_domain.testing.builders import HOUR, MINUTE, SECOND, answered, at, failed, once
from cronicorn_domain.testing.story import FAILURE, Story, told

BREAKER = Breaker()
FAILS, ANSWERS, NOTHING = Word.FAILS, Word.ANSWERS, Word.NOTHING


def held(story: Story, *, probe_in: timedelta = 30 * SECOND) -> Story:
    """Hold back what is due, at its due instant."""
    due_at = story.claimable_from
    assert due_at is not None
    probe_at = max(story.now, due_at) + probe_in
    story.hold_back(Trouble(host="example.com", failures=10, probe_at=probe_at), BREAKER)
    return story


def blocked(story: Story) -> list[object]:
    """Return the slots that were held back."""
    return [each.first for each in story.records if each.fate is Fate.BLOCKED]


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (answered(200), ANSWERS),
        (answered(404), ANSWERS),
        (answered(301), ANSWERS),
        (answered(410), ANSWERS),
        (answered(429), FAILS),
        (answered(500), FAILS),
        (answered(503), FAILS),
        (failed(FailureKind.TIMEOUT), FAILS),
        (failed(FailureKind.CONNECTION), FAILS),
        (failed(FailureKind.ABANDONED), NOTHING),
        (failed(FailureKind.SIGNING), NOTHING),
        (Blocked(message="not let out"), NOTHING),
    ],
)
def test_what_an_outcome_says_of_the_host(outcome: Outcome | Succeeded, word: Word) -> None:
    """A host that answers is there, whatever it answers; what was not sent says nothing."""
    assert word_on_host(outcome) is word


def test_outcomes_add_up_in_their_order() -> None:
    """What an answer clears is cleared, and what fails after it counts."""
    assert tallied([FAILS, NOTHING, FAILS]) == Tally(failures=2)
    assert tallied([FAILS, ANSWERS, FAILS]) == Tally(failures=1, cleared=True)
    assert tallied([FAILS, ANSWERS]) == Tally(failures=0, cleared=True)


def test_slots_of_one_outage_are_recorded_for_one_reason() -> None:
    """How often the host has failed by then is no part of it: the records say the same."""
    story = told(MINUTE)
    story.hold_back(Trouble(host="example.com", failures=10), BREAKER)
    story.hold_back(Trouble(host="example.com", failures=11), BREAKER)

    assert len({each.reason for each in story.records}) == 1


def test_a_slot_of_a_rhythm_is_recorded_and_the_grid_goes_on() -> None:
    """Blocked slots lie between run ones, each on record, and nothing drifts (trap T09)."""
    story = told(MINUTE)
    for _ in range(3):
        held(story)
    run = story.run()

    assert blocked(story) == [at("12:01:00"), at("12:02:00"), at("12:03:00")]
    assert run.slot == at("12:04:00")
    assert story.state.run_count == 1


def test_a_held_back_slot_is_no_failure() -> None:
    """Nothing was attempted: failures and backoff stay as they were."""
    story = told(MINUTE)
    story.run(FAILURE)
    held(story)

    assert story.state.failures == 1


@pytest.mark.parametrize("policy", list(MisfirePolicy))
def test_slots_that_passed_with_a_late_one_are_recorded(policy: MisfirePolicy) -> None:
    """A late claim that is held back loses no slot, whatever the misfire policy."""
    story = told(MINUTE, misfire=Misfire(policy=policy, catch_up_limit=2))
    story.at(at("12:05:30"))
    for _ in range(4):
        due_at = story.claimable_from
        assert due_at is not None
        if due_at > at("12:07:00"):
            break
        made = claim(story.at(max(story.now, due_at)).situation, story.now)
        if isinstance(made, Claim):
            trouble = Trouble(host="example.com", failures=10)
            change = hold_back(story.situation, made, trouble, BREAKER, story.now).change
        else:
            change = made.change
        story._take(change)

    recorded = sum(each.count for each in story.records)
    waiting = len(story.state.noted) + (1 if policy is MisfirePolicy.CATCH_UP else 0)
    assert story.state.plan is not None
    passed = int((story.now - at("12:00:00")) / MINUTE)
    assert recorded + waiting >= passed


@pytest.mark.parametrize(
    ("probe_in", "due_at"), [(30 * SECOND, "12:10:30"), (0 * SECOND, "12:11:00")]
)
def test_a_single_instant_waits_until_the_host_is_tried(probe_in: timedelta, due_at: str) -> None:
    """What comes but once is put off, not lost, and the explanation says why."""
    story = told(schedule=once(at("12:10:00")))
    held(story, probe_in=probe_in)

    assert story.next is not None
    assert (story.next.slot, story.next.due_at) == (at("12:10:00"), at(due_at))
    told_of = explain(story.situation, story.now)
    assert told_of.condition is Condition.DEFERRED
    assert "since its host example.com failed 10 times in a row" in told_of.sentence


def test_a_retry_waits_or_is_dropped() -> None:
    """A retry of a slow rhythm waits for the host; one that meets the next slot is pointless."""
    slow = told(HOUR, retry=Retry(attempts=2, backoff=SECOND))
    slow.run(FAILURE)
    held(slow)
    quick = told(MINUTE, retry=Retry(attempts=2, backoff=SECOND))
    quick.run(FAILURE)
    held(quick, probe_in=2 * MINUTE)

    assert slow.state.plan is not None
    assert slow.state.plan.repeat
    assert quick.state.plan is not None
    assert not quick.state.plan.repeat
    assert quick.state.failures == 1


def test_the_longest_interval_makes_no_storm() -> None:
    """However often a slot is held back, the next lies ahead (trap T45)."""
    story = told(10 * MINUTE, guardrails=Guardrails(longest=MINUTE))
    for _ in range(5):
        held(story)
        assert story.claimable_from is not None
        assert story.claimable_from > story.now


def test_a_run_by_hand_passes() -> None:
    """A person who asks for a run gets it."""
    story = told(HOUR).at(at("12:07:03"))
    story.trigger()
    made = claim(story.situation, story.now)

    assert isinstance(made, Claim)
    assert passes_breaker(made)


@pytest.mark.parametrize("given", [{"opens_after": 0}, {"probe_every": timedelta()}])
def test_a_breaker_that_is_always_open_is_refused(given: dict[str, object]) -> None:
    """Nonsense is refused at the door."""
    with pytest.raises(InvalidInput):
        Breaker(**given)  # type: ignore[arg-type]
