"""Seeds that once broke a promise, each with what was wrong then."""

from datetime import timedelta

import pytest

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


def test_a_run_that_was_given_back_at_its_second_start_never_started() -> None:
    """The answer to its start was lost, and when it was asked for again the endpoint was paused."""
    scenario = draw("mixed", 3135)
    scenario = scenario.only({"e1", "w2", "d5", "t11"})
    scenario = scenario.lasting(timedelta(seconds=720))

    assert sentences(judge(scenario)) == ()


def test_a_request_within_its_own_deadline_is_nothing_left_over() -> None:
    """A target hangs for five minutes, and the world ends after three."""
    scenario = draw("mixed", 3234)
    scenario = scenario.only({"e1", "w3", "t15"})
    scenario = scenario.lasting(timedelta(seconds=711))

    assert sentences(judge(scenario)) == ()


def test_a_slot_that_is_caught_up_is_late_only_behind_its_jitter() -> None:
    """It missed the instant that jitter had put it off to, and tells of its slot alone."""
    scenario = draw("calm", 3125)
    scenario = scenario.only({"e2", "w1"})
    scenario = scenario.lasting(timedelta(seconds=183))

    assert sentences(judge(scenario)) == ()


def test_what_is_done_as_of_long_ago_is_placed_by_its_commit() -> None:
    """A worker whose clock falls behind does not put its commits before those of others."""
    scenario = draw("mixed", 124)
    scenario = scenario.only({"e1", "w1", "d11", "t7"})
    scenario = scenario.lasting(timedelta(seconds=241))

    assert sentences(judge(scenario)) == ()


def test_a_claim_heeds_a_pause_that_has_just_ended() -> None:
    """By the clock of the worker it has not, and nothing runs of what is paused."""
    scenario = draw("mixed", 30072)
    scenario = scenario.only({"e1", "w2", "d1"})
    scenario = scenario.lasting(timedelta(seconds=116))

    assert sentences(judge(scenario)) == ()


def test_what_a_breaker_put_off_is_planned_anew() -> None:
    """It drops a repeat for the slot behind now, which is then no longer moved by the shortest."""
    scenario = draw("polite", 166)
    scenario = scenario.only({"e8", "w1", "d14"})
    scenario = scenario.lasting(timedelta(seconds=326))

    assert sentences(judge(scenario)) == ()


def test_a_slot_that_a_failure_puts_behind_the_end_is_none() -> None:
    """A triggered run lasted over it and failed, and the backoff leaves nothing to plan."""
    scenario = draw("polite", 339)
    scenario = scenario.only({"e2", "e4", "e7", "e9", "w3", "d15", "d7", "d7b", "o3"})
    scenario = scenario.lasting(timedelta(seconds=501))

    assert sentences(judge(scenario)) == ()


def test_what_was_put_off_and_what_passed_behind_it_add_up() -> None:
    """A record counts the schedule's own slots up to the newest, and behind it those of a hint."""
    scenario = draw("mixed", 30033)
    scenario = scenario.only({"e3", "w2", "d18", "d13", "d26", "d23", "d35"})

    assert sentences(judge(scenario)) == ()


def test_what_an_unseen_claim_planned_is_planned_anew_by_the_next_write() -> None:
    """A claim met an ended hint and planned behind a backoff, and then the failures were reset."""
    scenario = draw("interventions", 50233)
    scenario = scenario.only({"e5", "w2", "d7", "d48", "d2"})
    scenario = scenario.lasting(timedelta(seconds=241))

    assert sentences(judge(scenario)) == ()


def test_a_failure_before_a_success_is_not_counted_behind_it() -> None:
    """A run by hand succeeded while a retry waited, which was dropped and stretched the backoff."""
    scenario = draw("interventions", 50119)
    scenario = scenario.only({"e3", "w1", "d25", "d53", "d39b", "d16", "d24"})
    scenario = scenario.lasting(timedelta(seconds=1466))

    assert sentences(judge(scenario)) == ()


def test_a_claim_that_meets_an_expired_oneshot_names_the_slot_as_planned_from_then() -> None:
    """The schedule's own slot comes next from there, and is moved by nothing."""
    scenario = draw("mixed", 50409)
    scenario = scenario.only({"e2", "w3", "d10", "d3", "t14"})
    scenario = scenario.lasting(timedelta(seconds=705))

    assert sentences(judge(scenario)) == ()


def test_what_passed_is_told_by_the_rhythm_of_then() -> None:
    """A hint that makes a repeat pointless had no part in the slots that passed before it."""
    scenario = draw("polite", 151)
    scenario = scenario.only({"e4", "w1", "d8", "d14", "o1"})
    scenario = scenario.lasting(timedelta(seconds=797))

    assert sentences(judge(scenario)) == ()


def test_a_slot_behind_one_off_the_grid_keeps_the_shortest_distance() -> None:
    """The first slot of the grid may lie too close behind one that the longest has pulled in."""
    scenario = draw("polite", 156)
    scenario = scenario.only({"e1", "e2", "w1", "d10", "o3"})
    scenario = scenario.lasting(timedelta(seconds=391))

    assert sentences(judge(scenario)) == ()


def test_a_start_that_is_asked_for_again_heeds_the_last_answer() -> None:
    """The first was granted and its answer lost; the second was refused, and nothing is sent."""
    scenario = draw("mixed", 50130)
    scenario = scenario.only({"e3", "w2", "d12", "t18"})
    scenario = scenario.lasting(timedelta(seconds=711))

    assert sentences(judge(scenario)) == ()


def test_a_hint_that_is_cleared_with_a_single_run_held_until_then() -> None:
    """What takes the place of the run that waited is not what would be without the hint."""
    scenario = draw("mixed", 50847)
    scenario = scenario.only({"e2", "w2", "d20", "d31", "d19", "d19b", "d4"})
    scenario = scenario.lasting(timedelta(seconds=841))

    assert sentences(judge(scenario)) == ()


def test_a_restore_leaves_a_skipped_slot_skipped() -> None:
    """The slots are where they were; an interval below the shortest is not counted from now."""
    scenario = draw("interventions", 50539)
    scenario = scenario.only({"e3", "w2", "d53", "d4", "d26", "d4b"})
    scenario = scenario.lasting(timedelta(seconds=1741))

    assert sentences(judge(scenario)) == ()


def test_the_slot_that_is_skipped_is_the_one_that_failures_have_put_off() -> None:
    """Behind a single run that waits, the next slot is the one that would be run."""
    scenario = draw("interventions", 50563)
    scenario = scenario.only({"e4", "w3", "d43", "d9", "d22", "d28"})
    scenario = scenario.lasting(timedelta(seconds=1769))

    assert sentences(judge(scenario)) == ()


def test_a_worker_that_goes_on_may_send_beside_a_later_slot() -> None:
    """It was stopped between its start and its request; its lease was taken long before it sent."""
    scenario = draw("mixed", 70301).lasting(timedelta(seconds=589))

    assert sentences(judge(scenario)) == ()


def test_a_slot_behind_an_expired_single_run_may_be_named_as_of_that_run() -> None:
    """Whichever claim or write met the end of it, the slot is the same, and so is its reason."""
    scenario = draw("interventions", 70169)
    scenario = scenario.only({"e5", "w2", "d16", "d5", "d30"})
    scenario = scenario.lasting(timedelta(seconds=675))

    assert sentences(judge(scenario)) == ()


def test_a_start_that_comes_late_is_held_to_the_lease_as_it_then_is() -> None:
    """Claim and start were on their way for longer than a lease, which had been renewed since."""
    scenario = draw("troubled", 71102)
    scenario = scenario.only({"e3", "e5", "e9", "w1", "t35", "t6"})
    scenario = scenario.lasting(timedelta(seconds=852))

    assert sentences(judge(scenario)) == ()


def test_a_hints_slot_is_not_left_over_behind_the_hints_end() -> None:
    """The hint ended before the start that jitter had put off: what follows is planned anew."""
    scenario = draw("ruled", 22)

    assert sentences(judge(scenario)) == ()


def test_a_start_by_a_clock_ahead_came_before_the_pause() -> None:
    """It is as of an instant behind the pause, which was written a moment later."""
    scenario = draw("clocks", 104)

    assert sentences(judge(scenario)) == ()


def test_a_lease_that_was_renewed_as_of_long_past_ends_as_promised_before() -> None:
    """A measurement was answered late, and by the clock that went by it leases end in the past."""
    scenario = draw("leases", 170)
    scenario = scenario.only({"e2", "e4", "w1", "w5", "t10"})
    scenario = scenario.lasting(timedelta(seconds=160))

    assert sentences(judge(scenario)) == ()


def test_a_skip_that_an_archive_parts_in_two_records_is_one_skip() -> None:
    """What one claim passes over is as late as its oldest slot, whatever lies in between."""
    scenario = draw("interventions", 91003)
    scenario = scenario.only({"e5", "w1", "d29", "d5", "d2", "d2b"})

    assert sentences(judge(scenario)) == ()


def test_seed_93131_of_planned() -> None:
    """A session whose commit's answer was lost was kept once more, as one that lost its lease."""
    scenario = draw("planned", 93131)
    scenario = scenario.only(
        {"e1", "e2", "e3", "e4", "e5", "e6", "w1", "d1", "d6", "d6b", "t6", "t2"}
    )
    scenario = scenario.lasting(timedelta(seconds=1743))

    assert sentences(judge(scenario)) == ()


@pytest.mark.parametrize("seed", [93021, 93046])
def test_what_a_model_does_is_as_of_its_workers_instant(seed: int) -> None:
    """The store's is later by the way there, and whatever was planned was planned by the worker."""
    assert sentences(judge(draw("planned", seed))) == ()


def test_a_one_shot_is_held_to_the_bounds_that_held_while_it_lived() -> None:
    """It lay behind the end, which an edit took away when it had long expired."""
    assert sentences(judge(draw("interventions", 93138))) == ()


def test_a_skip_behind_an_end_by_a_clock_ahead_passes_over_what_the_end_planned() -> None:
    """The run ended as of an instant behind the skip, which was written a moment later."""
    assert sentences(judge(draw("clocks", 93233))) == ()
