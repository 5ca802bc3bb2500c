"""What the pure rules do with an endpoint, whatever happens to it, is what the checker expects."""

from random import Random

import pytest
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.slot_record import Fate
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tools.checker.check import examine
from tools.histories.random_life import RandomLife
from tools.histories.recorded_story import RecordedStory


def all_slots(told: RecordedStory) -> int:
    """Count the slots that runs and records tell of, each once."""
    records = [each for each in told.story.records if each.fate is not Fate.BLOCKED]
    runs = {(run.kind, run.slot) for run in told.runs.values()}
    others = {each for each in runs if each[0] is not Kind.RECURRING}
    recurring = {slot for _, slot in runs - others}
    alone = {s for s in recurring if not any(each.first <= s <= each.last for each in records)}
    return len(others) + len(alone) + sum(each.count for each in records)


@settings(max_examples=40, deadline=None)
@example(seed=5088)  # a record lies behind slots that are still to be caught up
@example(seed=21185)  # a run by hand that was given back, and made way for a trigger
@given(seed=st.integers(0, 1_000_000))
def test_a_life_under_the_schedule_alone_has_no_fault(seed: int) -> None:
    """Runs of any length and outcome, pauses, triggers, losses, misfires of every policy."""
    report = examine(RandomLife(Random(seed), calm=True).lived(25).history())

    assert report.findings == []


@pytest.mark.parametrize(
    "seed",
    [
        *range(60),
        1633,  # behind a restore the longest was counted from the restore, and a slot was lost
        2143,  # a slot was skipped while a run of another kind was to be repeated
        3381,  # a slot that passed was due now where another was, and moved on by a millisecond
        5717,  # a hint's slot that was given back stands behind a restore
        7046,  # a one-shot was cleared that had stood before the slots
        7534,  # a slot given back behind a skip of a later one had its jitter drawn anew
    ],
)
def test_a_life_with_hints_and_guardrails_has_no_fault(seed: int) -> None:
    """Hints of every author, one-shots, clears, skips, resets, archives, bounds and guardrails."""
    report = examine(RandomLife(Random(seed), edited=False).lived(25).history())

    assert report.findings == []


@pytest.mark.parametrize(
    "seed",
    [
        *range(25),
        214,  # a hint's slot was skipped, and an edit of the schedule followed
        315,  # a slot passed an hour before the hint was written that it was counted with
        494,  # the same, and the run before ended behind the edit
        1116,  # a slot that a record calls skipped ran behind an edit that left it where it was
        1141,  # a hint had ended unseen, and an edit of guardrails planned as if they had held then
        1213,  # an edit came while slots were caught up
        2385,  # hints were cleared of which there were none
        2492,  # an edit of the interval left the longest unheard, and a slot was lost
        3569,  # a plan had moved on to the newest slot, and an edit of guardrails followed
        5498,  # the same, and the slot was run
        6344,  # a one-shot that had stood before the slots was cleared, and they are due now
        3621,  # a hint stood on a schedule that became a single instant
    ],
)
def test_a_life_with_edits_has_no_fault(seed: int) -> None:
    """The same, and every edit of schedule, zone, bounds, policy and guardrails."""
    report = examine(RandomLife(Random(seed)).lived(25).history())

    assert report.findings == []


@pytest.mark.parametrize(
    "seed",
    [
        *range(30),
        433,  # one was skipped between those noted
        691,  # the hint by which a slot had passed was cleared as its run ended
        727,  # a slot was given back while it was caught up, and its hint cleared
    ],
)
def test_a_life_with_rules_has_no_fault(seed: int) -> None:
    """What rules propose, pause and clear when a run ends breaks no promise."""
    report = examine(RandomLife(Random(seed), edited=False, ruled=True).lived(25).history())

    assert report.findings == []


@pytest.mark.parametrize(
    "seed",
    [
        *range(20),
        1292,  # a hint's slot was restored, caught up, and given back
    ],
)
def test_a_life_with_rules_and_edits_has_no_fault(seed: int) -> None:
    """Edits and rules of one endpoint in turn."""
    report = examine(RandomLife(Random(seed), ruled=True).lived(25).history())

    assert report.findings == []


@pytest.mark.parametrize("seed", range(40))
def test_no_slot_is_left_out_of_the_judgement(seed: int) -> None:
    """As many slots are judged as runs and records tell of; no class of endpoints is passed by."""
    told = RandomLife(Random(seed), calm=True).lived(25)
    report = examine(told.history())

    assert report.unreadable == 0
    assert sum(report.slots.values()) == all_slots(told)
