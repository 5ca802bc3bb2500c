"""Named mixes of what is drawn, and the drawing of a whole scenario."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from cronicorn_domain.identity import WorkerId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.schedules.schedule import IntervalSchedule, Schedule
from cronicorn_scheduler.settings import SchedulerSettings

from tools.simulate.clock import AHEAD_MOST
from tools.simulate.drawing import HOUR, MINUTE, SECOND, chance_of, one_of, sometimes, up_to
from tools.simulate.drawing_deeds import Deeds
from tools.simulate.drawing_endpoints import Times, some_jobs, some_newcomers
from tools.simulate.drawing_leases import with_few_places, with_long_runs
from tools.simulate.drawing_planning import some_tokens, with_planning
from tools.simulate.drawing_politeness import (
    on_shared_hosts,
    some_outages,
    with_breaker_and_caps,
)
from tools.simulate.drawing_quotas import some_quotas
from tools.simulate.drawing_rules import with_rules
from tools.simulate.drawing_schedules import (
    CLOCK_CHANGES,
    ClockChange,
    a_daylight_schedule,
    a_short_schedule,
)
from tools.simulate.drawing_troubles import Troubles, some_workers
from tools.simulate.scenario import Scenario

Range = tuple[int, int]

NOON: Final = datetime.fromisoformat("2025-01-01T12:00:00+00:00")
MONTH_END: Final = datetime.fromisoformat("2025-02-01T00:00:00+00:00")
QUICK: Final = SchedulerSettings(worker=WorkerId("any"), breaker=None)
"""
What a scheduler is set to where nothing else is said.

Without breakers: only a polite mix has them, so that the worlds of the others stay as they were.
"""
CALM: Final = SchedulerSettings(
    worker=WorkerId("any"),
    breaker=None,
    lease=10 * MINUTE,
    renew_every=3 * MINUTE,
    reap_every=MINUTE,
    idle_ceiling=10 * MINUTE,
    synchronize_every=10 * MINUTE,
    announce_every=10 * MINUTE,
)
"""For days and weeks: who has nothing to do for hours looks less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    A mix: how many of each, for how long.

    ``plain`` endpoints have a schedule and nothing else. ``reach`` is the longest trouble. In a
    ``polite`` mix endpoints share hosts, which go down and say what they like about the next call;
    breakers and caps are drawn. In a ``rationed`` one a month ends in the middle, and tenants have
    quotas of runs. In a ``ruled`` one endpoints have rules. In a ``planned`` one a model is asked,
    too. In an ``ahead`` one clocks run ahead, and in a ``leased`` one runs outlive their leases and
    trouble keeps workers from renewing them. ``patience`` is longer than what is mended needs to
    get over it.
    """

    about: str
    endpoints: Range
    workers: Range
    lasts: timedelta
    peace: timedelta = 3 * MINUTE
    jobs: int = 3
    plain: bool = False
    deeds: Range = (0, 0)
    troubles: Range = (0, 0)
    reach: timedelta = MINUTE
    settings: SchedulerSettings = QUICK
    lateness_allowed: timedelta | None = None
    patience: timedelta = 150 * SECOND
    daylight: bool = False
    every: timedelta | None = None
    polite: bool = False
    rationed: bool = False
    ruled: bool = False
    planned: bool = False
    ahead: bool = False
    leased: bool = False


PROFILES: Final[Mapping[str, Profile]] = {
    "calm": Profile(
        about="an hour in which nothing breaks and nobody intervenes",
        endpoints=(4, 12),
        workers=(1, 3),
        lasts=HOUR,
        lateness_allowed=10 * SECOND,
        patience=10 * SECOND,
    ),
    "troubled": Profile(
        about="a quarter of an hour in which everything breaks",
        endpoints=(3, 12),
        workers=(2, 4),
        lasts=15 * MINUTE,
        troubles=(10, 40),
    ),
    "interventions": Profile(
        about="half an hour in which people, rules and models intervene all the time",
        endpoints=(2, 6),
        workers=(1, 3),
        lasts=30 * MINUTE,
        deeds=(20, 60),
    ),
    "mixed": Profile(
        about="a quarter of an hour in which everything breaks and everybody intervenes",
        endpoints=(2, 6),
        workers=(2, 4),
        lasts=15 * MINUTE,
        deeds=(10, 40),
        troubles=(8, 30),
    ),
    "polite": Profile(
        about="a quarter of an hour with hosts that go down or ask to wait, breakers and caps",
        endpoints=(3, 10),
        workers=(1, 4),
        lasts=15 * MINUTE,
        deeds=(0, 20),
        troubles=(0, 10),
        polite=True,
    ),
    "rationed": Profile(
        about="twenty minutes around the end of a month, in which tenants use up their runs",
        endpoints=(3, 10),
        workers=(1, 4),
        lasts=20 * MINUTE,
        deeds=(0, 20),
        troubles=(0, 12),
        rationed=True,
    ),
    "ruled": Profile(
        about="a quarter of an hour in which rules act on answers, with trouble and interventions",
        endpoints=(3, 8),
        workers=(1, 4),
        lasts=15 * MINUTE,
        jobs=2,
        deeds=(0, 20),
        troubles=(0, 20),
        ruled=True,
    ),
    "planned": Profile(
        about="half an hour in which a model proposes sense and nonsense, with rules and trouble",
        endpoints=(3, 6),
        workers=(1, 3),
        lasts=30 * MINUTE,
        jobs=2,
        deeds=(0, 20),
        troubles=(0, 20),
        ruled=True,
        planned=True,
    ),
    "leases": Profile(
        about="ten minutes of runs that outlive their leases, with workers that can hardly renew",
        endpoints=(3, 6),
        workers=(3, 6),
        lasts=10 * MINUTE,
        deeds=(0, 8),
        troubles=(8, 24),
        reach=30 * SECOND,
        ahead=True,
        leased=True,
    ),
    "clocks": Profile(
        about="a quarter of an hour with clocks ahead and behind, trouble and interventions",
        endpoints=(3, 6),
        workers=(2, 4),
        lasts=15 * MINUTE,
        deeds=(10, 40),
        troubles=(4, 16),
        ahead=True,
    ),
    "daylight": Profile(
        about="the day on which a zone's clock is set, with some trouble and interventions",
        endpoints=(4, 10),
        workers=(1, 3),
        lasts=30 * HOUR,
        peace=HOUR,
        deeds=(0, 10),
        troubles=(0, 6),
        reach=2 * HOUR,
        settings=CALM,
        patience=5 * HOUR / 2,
        daylight=True,
    ),
    "week": Profile(
        about="100 endpoints of 30 minutes over a week, with four workers: 33 600 slots",
        endpoints=(100, 100),
        workers=(4, 4),
        lasts=timedelta(days=7) + HOUR / 2,
        jobs=4,
        plain=True,
        settings=CALM,
        lateness_allowed=SECOND,
        patience=SECOND,
        every=30 * MINUTE,
    ),
    "steady": Profile(
        about="60 endpoints of a minute over a day in which everything breaks: 86 400 slots",
        endpoints=(60, 60),
        workers=(4, 4),
        lasts=timedelta(days=1),
        peace=HOUR,
        jobs=4,
        plain=True,
        troubles=(40, 80),
        reach=HOUR / 2,
        settings=CALM,
        patience=3 * HOUR / 4,
        every=MINUTE,
    ),
}


def draw(name: str, seed: int) -> Scenario:
    """Draw the scenario of a profile's seed. Raises ``KeyError`` for a profile unknown."""
    profile = PROFILES[name]
    chance = chance_of(seed, name)
    change = chance.choice(CLOCK_CHANGES) if profile.daylight else None
    times = _times(profile, change, chance)
    jobs = some_jobs(seed, times.begins_at, profile.jobs)
    count = up_to(chance, profile.endpoints)
    newcomers = some_newcomers(seed, jobs, times, count, plain=profile.plain)
    workers = some_workers(
        seed, up_to(chance, profile.workers), plain=profile.plain, ahead=profile.ahead
    )
    troubles = Troubles(
        seed,
        workers,
        newcomers,
        lasts=profile.lasts,
        reach=profile.reach,
        ahead=profile.ahead,
        of_leases=profile.leased,
    )
    scenario = Scenario(
        seed=seed,
        begins_at=times.begins_at,
        lasts=profile.lasts,
        peace=profile.peace,
        floor=one_of(chance, SECOND, SECOND, SECOND, 5 * SECOND, 30 * SECOND),
        jobs=jobs,
        newcomers=newcomers,
        workers=workers,
        settings=profile.settings,
        deeds=Deeds(seed, newcomers, jobs, times).some(up_to(chance, profile.deeds)),
        troubles=troubles.some(up_to(chance, profile.troubles)),
        lateness_allowed=profile.lateness_allowed,
        patience=profile.patience,
        clocks_ahead=AHEAD_MOST if profile.ahead else NO_TIME,
    )
    if profile.leased:
        scenario = replace(
            scenario,
            newcomers=with_long_runs(seed, newcomers),
            settings=with_few_places(seed, scenario.settings),
        )
    if profile.rationed:
        tenants = list(dict.fromkeys(each.tenant for each in scenario.jobs))
        scenario = replace(scenario, quotas=some_quotas(seed, tenants))
    if profile.ruled:
        scenario = replace(scenario, newcomers=with_rules(seed, newcomers))
    if profile.planned:
        tenants = list(dict.fromkeys(each.tenant for each in scenario.jobs))
        planned = with_planning(seed, scenario.newcomers)
        quotas = some_tokens(seed, tenants)
        scenario = replace(scenario, newcomers=planned, quotas=quotas, planned=True)
    return _polite(scenario) if profile.polite else scenario


def _polite(scenario: Scenario) -> Scenario:
    """Add what hosts and breakers do; all else stays as it was drawn."""
    seed, tenants = scenario.seed, list(dict.fromkeys(each.tenant for each in scenario.jobs))
    return replace(
        scenario,
        newcomers=on_shared_hosts(seed, scenario.newcomers),
        settings=with_breaker_and_caps(seed, scenario.settings, tenants),
        troubles=(*scenario.troubles, *some_outages(seed, scenario.lasts)),
    )


def _times(profile: Profile, change: ClockChange | None, chance: Random) -> Times:
    """Say when it begins, and which schedules there are."""
    lasts = profile.lasts
    if change is None:
        begins_at = NOON + SECOND * chance.randrange(60)
        if profile.rationed:
            begins_at = MONTH_END - MINUTE * 10 + SECOND * chance.randrange(60)

        def schedule(chance: Random) -> Schedule:
            if profile.every is not None:
                return IntervalSchedule(every=profile.every)
            return a_short_schedule(chance, begins_at, lasts)

        return Times(begins_at=begins_at, lasts=lasts, unit=SECOND, schedule=schedule)

    begins_at = change.at - HOUR * chance.randrange(2, 20)

    def daylight(chance: Random) -> Schedule:
        zone = change.zone if sometimes(chance, 0.8) else chance.choice(CLOCK_CHANGES).zone
        return a_daylight_schedule(chance, zone, begins_at, lasts)

    return Times(begins_at=begins_at, lasts=lasts, unit=MINUTE, schedule=daylight)
