"""What is drawn: every kind of deed and trouble, and days on which clocks are set."""

from datetime import timedelta
from typing import get_args

from cronicorn_domain.model.rules import Action

from tools.simulate.clock import AHEAD_MOST
from tools.simulate.conditions import CONDITIONS
from tools.simulate.deeds import EndpointAct, JobAct
from tools.simulate.drawing_schedules import CLOCK_CHANGES
from tools.simulate.participants import Manner
from tools.simulate.profiles import draw
from tools.simulate.troubles import (
    ClockStep,
    HostDown,
    LineTrouble,
    Misbehaviour,
    Outage,
    ProcessTrouble,
    TargetTrouble,
)

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


def test_clocks_run_ahead_and_are_set_both_ways() -> None:
    """Within a few seeds measurements err ahead, and between them clocks gain and lose time."""
    drawn = [draw("clocks", seed) for seed in SEEDS]

    ahead = {each.ahead for scenario in drawn for each in scenario.workers}
    steps = [each.by for scenario in drawn for each in scenario.troubles if type(each) is ClockStep]
    assert timedelta() in ahead
    assert max(ahead) == AHEAD_MOST
    assert min(steps) < timedelta() < max(steps)


def test_runs_outlive_their_leases() -> None:
    """In a world of leases runs last for several, and many workers have few places."""
    drawn = [draw("leases", seed) for seed in SEEDS]

    lease = drawn[0].settings.lease
    lengths = [max(each.target.lengths) for scenario in drawn for each in scenario.newcomers]
    assert max(lengths) > 5 * lease
    assert any(len(each.newcomers) > each.settings.concurrency for each in drawn)
    assert any(len(each.workers) > len(each.newcomers) for each in drawn)


def test_a_daylight_world_sees_a_clock_being_set() -> None:
    """Each world of that profile holds a change of a zone's clock, hours from both its ends."""
    for seed in SEEDS:
        scenario = draw("daylight", seed)
        ends_at = scenario.begins_at + scenario.lasts
        assert any(
            scenario.begins_at < change.at < ends_at - timedelta(hours=2)
            for change in CLOCK_CHANGES
        )


def test_all_politeness_is_drawn() -> None:
    """Within a few seeds targets have every manner, and hosts, shared by tenants, every outage."""
    drawn = [draw("polite", seed) for seed in SEEDS]

    newcomers = [each for scenario in drawn for each in scenario.newcomers]
    manners = [each.target.manners for each in newcomers if each.target.manners is not None]
    troubles = [trouble for scenario in drawn for trouble in scenario.troubles]
    tenants_of_hosts = {
        (scenario.seed, each.endpoint.request.host, each.endpoint.tenant)
        for scenario in drawn
        for each in scenario.newcomers
    }
    assert {way for each in manners for way in each.ways} == set(Manner)
    assert {each.how for each in troubles if isinstance(each, HostDown)} == set(Outage)
    assert {(each.endpoint.heeds.hints, each.endpoint.heeds.gone) for each in newcomers} == {
        (hints, gone) for hints in (True, False) for gone in (True, False)
    }
    assert any(scenario.settings.caps.are_set for scenario in drawn)
    assert len({host[:2] for host in tenants_of_hosts}) < len(tenants_of_hosts)


def test_the_week_has_its_slots() -> None:
    """A hundred endpoints of thirty minutes live through a whole week: 33 600 slots."""
    scenario = draw("week", 0)
    week = timedelta(days=7)

    assert len(scenario.newcomers) == 100
    assert len(scenario.workers) == 4
    assert all(new.after + week <= scenario.lasts for new in scenario.newcomers)


def test_every_rule_is_drawn() -> None:
    """Within a few seeds every condition is asked and every action follows, also in the shadow."""
    drawn = [each.endpoint for seed in SEEDS for each in draw("ruled", seed).newcomers]

    rules = [rule for endpoint in drawn for rule in endpoint.rules.rules]
    assert {rule.when for rule in rules} == set(CONDITIONS)
    assert {type(action) for rule in rules for action in rule.then} == {*get_args(Action)}
    assert {endpoint.rules.shadow for endpoint in drawn} == {True, False}
    assert {endpoint.success_when for endpoint in drawn} == {None, *CONDITIONS}
