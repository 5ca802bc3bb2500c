"""Seeds that once broke a promise, each with what was wrong then."""

from datetime import timedelta

from tools.simulate.judging import judge
from tools.simulate.profiles import draw
from tools.simulate.telling import sentences


def test_a_finished_endpoint_is_given_no_slots_that_passed() -> None:
    """A hint that is written when the run count is used up is no reason to record its slots."""
    scenario = draw("interventions", 7)
    scenario = scenario.only({"e4", "w2", "d49", "d1", "d13", "d13b"})
    scenario = scenario.lasting(timedelta(seconds=1231))

    assert sentences(judge(scenario)) == ()


def test_the_slot_of_a_hint_that_ended_in_the_archive_is_recorded() -> None:
    """What came of a hint's plan is coalesced at the restore when the hint has ended meanwhile."""
    scenario = draw("interventions", 31)
    scenario = scenario.only({"e1", "w1", "d10", "d31", "d1", "d30b", "d28", "d28b"})

    assert sentences(judge(scenario)) == ()


def test_a_run_by_hand_that_stands_before_a_plan_leaves_every_reading_of_it() -> None:
    """Of two plans that may stand when hints are cleared, the checker follows each by itself."""
    scenario = draw("mixed", 1107)
    scenario = scenario.only({"e2", "w1", "d21", "d24", "d14", "d24b"})
    scenario = scenario.lasting(timedelta(seconds=610))

    assert sentences(judge(scenario)) == ()


def test_a_hint_that_ends_during_a_first_try_keeps_its_slots() -> None:
    """They are recorded when the last try is over, also if the hint is long over by then."""
    scenario = draw("mixed", 142)
    scenario = scenario.only({"e1", "w2", "d36"})
    scenario = scenario.lasting(timedelta(seconds=208))

    assert sentences(judge(scenario)) == ()


def test_a_hint_that_held_another_back_is_not_forgotten_between_tries() -> None:
    """Which slots passed depends on it, although it has ended by the time they are recorded."""
    scenario = draw("interventions", 337)
    scenario = scenario.only({"e2", "w1", "d45", "d38", "d1"})
    scenario = scenario.lasting(timedelta(seconds=943))

    assert sentences(judge(scenario)) == ()


def test_a_run_that_ends_in_the_archive_plans_nothing() -> None:
    """The restore does not run what a hint would have put behind a run that ended before it."""
    scenario = draw("mixed", 1047)
    scenario = scenario.only({"e1", "w2", "d15", "d14", "d14b"})
    scenario = scenario.lasting(timedelta(seconds=265))

    assert sentences(judge(scenario)) == ()
