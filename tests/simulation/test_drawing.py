"""What is drawn: every kind of deed and trouble, and days on which clocks are set."""

from datetime import timedelta
from typing import get_args

from tools.simulate.deeds import EndpointAct, JobAct
from tools.simulate.drawing_schedules import CLOCK_CHANGES
from tools.simulate.profiles import draw
from tools.simulate.troubles import LineTrouble, Misbehaviour, ProcessTrouble, TargetTrouble

SEEDS = range(60)


def test_everything_that_can_be_done_is_done() -> None:
    """Within a few seeds every kind of deed is drawn."""
    drawn = {type(deed.act) for seed in SEEDS for deed in draw("interventions", seed).deeds}

    assert drawn == {*get_args(EndpointAct), *get_args(JobAct)}


def test_everything_that_can_break_breaks() -> None:
    """Within a few seeds every kind of trouble is drawn, and every way of a target to misbehave."""
    troubles = [trouble for seed in SEEDS for trouble in draw("troubled", seed).troubles]

    kinds = {type(trouble) for trouble in troubles}
    ways = {trouble.how for trouble in troubles if isinstance(trouble, TargetTrouble)}
    assert kinds == {*get_args(LineTrouble), *get_args(ProcessTrouble), TargetTrouble}
    assert ways == set(Misbehaviour)


def test_a_daylight_world_sees_a_clock_being_set() -> None:
    """Each world of that profile holds a change of a zone's clock, hours from both its ends."""
    for seed in SEEDS:
        scenario = draw("daylight", seed)
        ends_at = scenario.begins_at + scenario.lasts
        assert any(
            scenario.begins_at < change.at < ends_at - timedelta(hours=2)
            for change in CLOCK_CHANGES
        )


def test_the_week_has_its_slots() -> None:
    """A hundred endpoints of thirty minutes live through a whole week: 33 600 slots."""
    scenario = draw("week", 0)
    week = timedelta(days=7)

    assert len(scenario.newcomers) == 100
    assert len(scenario.workers) == 4
    assert all(new.after + week <= scenario.lasts for new in scenario.newcomers)
