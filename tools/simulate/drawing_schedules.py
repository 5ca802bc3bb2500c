"""Draws schedules: short ones for a world of minutes, and those that meet daylight saving."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule

from tools.simulate.drawing import a_moment, one_of, seconds, sometimes, weighted

SHORT_CRONS = (
    "* * * * *",
    "*/2 * * * *",
    "*/5 * * * *",
    "3,4,9,20-24 * * * *",
    "*/10 * * * * *",
    "*/7 * * * * *",
    "5,25,45 * * * * *",
    "30 */3 * * * *",
    "0 5/10 * * * *",
)
SHORT_INTERVALS = seconds(1, 2, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 300)
DAYLIGHT_CRONS = (
    "30 2 * * *",
    "15 1 * * *",
    "0 0 * * *",
    "30 0 * * *",
    "0 2 * * *",
    "0 3 * * *",
    "45 1,2,3 * * *",
    "20 0-4 * * *",
    "0 30 2 * * *",
    "10 15 */2 * * *",
    "0 * * * *",
    "@hourly",
    "*/30 * * * *",
    "*/20 1-3 * * *",
    "*/15 * * * *",
    "30 1 * * SUN",
    "0 2 L * *",
)
DAYLIGHT_INTERVALS = (
    timedelta(minutes=20),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=5),
    timedelta(days=1),
)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A moment at which a zone's clock is set."""

    zone: str
    at: datetime


def _change(zone: str, at: str) -> ClockChange:
    return ClockChange(zone, datetime.fromisoformat(at).replace(tzinfo=UTC))


CLOCK_CHANGES = (
    _change("America/New_York", "2025-03-09T07:00"),
    _change("America/New_York", "2025-11-02T06:00"),
    _change("Europe/Berlin", "2025-03-30T01:00"),
    _change("Europe/Berlin", "2025-10-26T01:00"),
    _change("Australia/Lord_Howe", "2025-10-04T15:30"),
    _change("Australia/Lord_Howe", "2025-04-05T15:00"),
    _change("America/Havana", "2025-03-09T05:00"),
    _change("America/Havana", "2025-11-02T05:00"),
    _change("Antarctica/Troll", "2025-03-30T01:00"),
    _change("Antarctica/Troll", "2025-10-26T01:00"),
)


def a_short_schedule(chance: Random, begins_at: datetime, lasts: timedelta) -> Schedule:
    """Draw a schedule that fires often within a few minutes, or once."""
    kind = weighted(chance, ((IntervalSchedule, 12), (CronSchedule, 10), (OnceSchedule, 2)))
    if kind is IntervalSchedule:
        return IntervalSchedule(every=chance.choice(SHORT_INTERVALS))
    if kind is CronSchedule:
        return CronSchedule(expression=CronExpression.parse(chance.choice(SHORT_CRONS)))
    return OnceSchedule(at=begins_at + a_moment(chance, lasts))


def a_daylight_schedule(
    chance: Random, zone: str, begins_at: datetime, lasts: timedelta
) -> Schedule:
    """Draw a schedule whose slots meet the change of a zone's clock."""
    kind = weighted(chance, ((IntervalSchedule, 3), (CronSchedule, 26), (OnceSchedule, 1)))
    if kind is IntervalSchedule:
        return IntervalSchedule(every=chance.choice(DAYLIGHT_INTERVALS))
    if kind is OnceSchedule:
        return OnceSchedule(at=begins_at + a_moment(chance, lasts))
    gap = one_of(chance, *GapPolicy) if sometimes(chance, 0.3) else None
    repeat = one_of(chance, *RepeatPolicy) if sometimes(chance, 0.3) else None
    return CronSchedule(
        expression=CronExpression.parse(chance.choice(DAYLIGHT_CRONS)),
        timezone=zone,
        gap=gap,
        repeat=repeat,
    )
