"""A contest leaves out what would tell nothing, or take hours."""

from cronicorn_domain.identity import WorkerId
from cronicorn_scheduler.settings import SchedulerSettings

from bench.contest import Contest, Heat
from bench.measurement import Measurement
from bench.systems.all_systems import select
from bench.trials import QUICK
from bench.work import AT_ONCE


def heats(scenario: str, *systems: str) -> list[Heat]:
    """Return the heats of a scenario."""
    return Contest(size=QUICK, scenarios=[scenario], systems=select(list(systems))).heats()


def left_out(contest: Contest) -> list[str]:
    """Return the titles of the heats that are pointless now."""
    return [heat.title for heat in contest.heats() if contest._pointless(heat)]


def test_a_rate_that_was_not_reached_is_left_out_of_lateness() -> None:
    """Who fires too seldom is late by more and more; whoever was not seen yet takes part."""
    seen = Measurement(
        scenario="throughput",
        label="1500/s",
        system="pgqueuer",
        round=1,
        endpoints=1500,
        parked=0,
        fires=700.0,
    )
    systems = select(["cronicorn-pg", "pgqueuer"])
    contest = Contest(size=QUICK, scenarios=["lateness"], systems=systems, measured=[seen])

    assert left_out(contest) == ["lateness 1000/s: pgqueuer", "lateness 2000/s: pgqueuer"]


def test_everybody_calls_as_many_at_once_as_our_worker() -> None:
    """Peers are allowed what our worker allows itself, as long as nobody says otherwise."""
    assert SchedulerSettings(worker=WorkerId("one")).concurrency == AT_ONCE


def test_what_takes_too_long_to_store_is_left_out() -> None:
    """Minutes of storing for one figure are not worth it in a quick run."""
    systems = select(["apscheduler4-pg"])
    contest = Contest(size=QUICK, scenarios=["stored"], systems=systems)

    assert left_out(contest) == [
        "stored 10,000: apscheduler4-pg",
        "stored 100,000: apscheduler4-pg",
        "stored 1,000,000: apscheduler4-pg",
    ]


def test_who_stores_slowly_stores_less() -> None:
    """Each stores what it can in the time, and the table says how many that were."""
    ours, theirs = heats("load", "cronicorn-pg", "apscheduler4-pg")

    assert ours.trial.shape.endpoints == 100_000
    assert (theirs.trial.label, theirs.trial.shape.endpoints) == ("2,000", 2000)
