"""A broken seed is told as a short story: what the finding does not need is left out."""

from datetime import timedelta

from tools.simulate.judging import Verdict
from tools.simulate.profiles import draw
from tools.simulate.scenario import Scenario
from tools.simulate.shrinking import shrink
from tools.simulate.telling import command

NEEDED = {"e2", "w1", "d5", "t3"}
LASTS_LEAST = timedelta(seconds=77)


def judge(scenario: Scenario) -> Verdict:
    """Find a promise broken as long as the parts that it needs are there, and the time."""
    broken = set(scenario.parts()) >= NEEDED and scenario.lasts >= LASTS_LEAST
    return Verdict(broken=("a promise",) if broken else ())


def whole() -> Scenario:
    """Return a scenario with all its parts at the beginning, so that time can be cut."""
    drawn = draw("mixed", 3)
    assert set(drawn.parts()) >= NEEDED
    return drawn


def test_only_what_a_finding_needs_is_left() -> None:
    """Endpoints, workers, deeds, troubles and time that change nothing are left out."""
    scenario = whole()
    latest = max(
        part.after
        for part in (*scenario.newcomers, *scenario.deeds, *scenario.troubles)
        if part.name in NEEDED
    )

    shrunk, verdict = shrink(scenario, judge(scenario), judge)

    assert set(shrunk.parts()) == NEEDED
    assert shrunk.lasts <= max(latest, LASTS_LEAST) + timedelta(seconds=2)
    assert not verdict.sound


def test_somebody_works_in_every_story() -> None:
    """Where nobody does, everything is left over, and that would be another finding."""
    broken = Verdict(broken=("a promise",))

    shrunk, _ = shrink(whole(), broken, lambda _: broken)

    assert len(shrunk.workers) == 1


def test_the_command_plays_the_shrunk_scenario() -> None:
    """What the story ends with names the profile, the seed, the time and the parts."""
    scenario = whole()
    shrunk = scenario.lasting(timedelta(minutes=14)).only(NEEDED)

    told = command("mixed", scenario, shrunk)

    assert told.startswith("uv run tools/simulate --profile mixed --seed 3 --duration 840s")
    assert told.endswith(f'--only "{" ".join(shrunk.parts())}"')
