"""Schedules in words, and what becomes of their slots when a clock is set."""

from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.describing import (
    ChangeDay,
    ClockChange,
    change_days,
    cron_in_words,
    schedule_in_words,
)
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule

JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
NEXT_JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def changes(
    expression: str, gap: GapPolicy | None = None, repeat: RepeatPolicy | None = None
) -> list[ChangeDay]:
    """Ask for Berlin's changes of a year."""
    schedule = CronSchedule(
        expression=CronExpression.parse(expression),
        timezone="Europe/Berlin",
        gap=gap,
        repeat=repeat,
    )
    return list(change_days(schedule, JANUARY, NEXT_JANUARY))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("5-59/15 * * * *", "every 15 minutes from minute 5 on"),
        ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("30 */5 * * * *", "every 5 minutes, at second 30"),
        ("@hourly", "every hour"),
        ("15 * * * *", "every hour at minute 15"),
        ("5 */2 * * *", "every 2 hours at minute 5"),
        ("0 0-6 * * *", "every hour from 00:00 to 06:59"),
        ("* 3 * * *", "every minute from 03:00 to 03:59"),
        ("30 2 * * *", "at 02:30 every day"),
        ("20 30 2 * * *", "at 02:30:20 every day"),
        ("0 9,17 * * MON-FRI", "at 09:00 and 17:00, Monday to Friday"),
        ("0 10 * * SAT,SUN", "at 10:00, Saturday and Sunday"),
        ("0 10 * * 7", "at 10:00, on Sunday"),
        ("*/15 8-18 * * 1-5", "every 15 minutes from 08:00 to 18:59, Monday to Friday"),
        ("0 0 1,15 * *", "at 00:00, on the 1st and 15th"),
        ("0 0 2,3,11,22 * *", "at 00:00, on the 2nd, 3rd, 11th and 22nd"),
        ("0 0 1 1 *", "at 00:00, on the 1st, in January"),
        ("0 8 * JUN-AUG *", "at 08:00 every day, in June to August"),
        ("0 12 L * *", "at 12:00, on the last day"),
        ("0 12 LW * *", "at 12:00, on the last workday"),
        ("0 8 15W * *", "at 08:00, on the workday nearest to the 15th"),
        ("0 8 * * 5#2", "at 08:00, on the second Friday of the month"),
        ("0 8 * * 5L", "at 08:00, on the last Friday of the month"),
        ("0 8 13 * FRI", "at 08:00, on the 13th and also on Friday"),
        ("0 8 */14 * MON", "at 08:00, on the 1st, 15th and 29th if that is on Monday"),
    ],
)
def test_an_expression_is_said_as_a_person_would(expression: str, words: str) -> None:
    """Times of the day one by one if they are few, else the rhythm; then days, then months."""
    assert cron_in_words(CronExpression.parse(expression)) == words


def test_intervals_and_instants_are_said_too() -> None:
    """Each kind of schedule has words."""
    assert schedule_in_words(IntervalSchedule(every=timedelta(seconds=90))) == "every 1 min 30 s"
    assert schedule_in_words(OnceSchedule(at=JANUARY)) == "once, at 2025-01-01 00:00:00 UTC"


def test_both_change_days_of_a_year_are_found() -> None:
    """Spring leaves a time out, autumn shows it twice; each is named with what comes of it."""
    spring, autumn = changes("0 30 2 * * *")

    assert (spring.change, spring.at) == (ClockChange.GAP, datetime(2025, 3, 30, 1, tzinfo=UTC))
    assert spring.sentence == (
        "On Sunday 30 March 2025 the clock goes ahead from 02:00 to 03:00: "
        "02:30 does not exist that day, so it runs once at 03:00."
    )
    assert (autumn.change, autumn.at) == (ClockChange.REPEAT, datetime(2025, 10, 26, 1, tzinfo=UTC))
    assert autumn.sentence == (
        "On Sunday 26 October 2025 the clock goes back from 03:00 to 02:00: "
        "02:30 comes twice, and it runs the first time only."
    )
    assert spring.touched
    assert autumn.touched


@pytest.mark.parametrize(
    ("expression", "gap", "repeat", "in_spring", "in_autumn"),
    [
        ("*/15 * * * *", None, None, "the rhythm goes on", "runs both times"),
        ("30 2 * * *", GapPolicy.SKIP, RepeatPolicy.SECOND, "does not run then", "the second time"),
        ("30 2 * * *", None, RepeatPolicy.BOTH, "runs once at 03:00", "runs both times"),
        ("0 9 * * *", None, None, "no slot is touched", "no slot is touched"),
    ],
)
def test_the_policy_that_holds_is_told(
    expression: str,
    gap: GapPolicy | None,
    repeat: RepeatPolicy | None,
    in_spring: str,
    in_autumn: str,
) -> None:
    """A chosen policy is told as chosen, else what the expression calls for."""
    spring, autumn = changes(expression, gap, repeat)

    assert in_spring in spring.sentence
    assert in_autumn in autumn.sentence


def test_what_is_told_of_a_change_is_what_fires() -> None:
    """The slots of the change days are where the sentences put them."""
    schedule = CronSchedule(expression=CronExpression.parse("30 2 * * *"), timezone="Europe/Berlin")
    spring, autumn = change_days(schedule, JANUARY, NEXT_JANUARY)

    assert schedule.next_after(spring.at - timedelta(hours=12)) == spring.at
    assert (
        schedule.count_between(autumn.at - timedelta(hours=2), autumn.at + timedelta(hours=2)) == 1
    )


def test_only_a_wall_clock_has_change_days() -> None:
    """UTC is never set, and intervals know no clock."""
    in_utc = CronSchedule(expression=CronExpression.parse("30 2 * * *"))

    assert change_days(in_utc, JANUARY, NEXT_JANUARY) == []
    assert change_days(IntervalSchedule(every=timedelta(hours=1)), JANUARY, NEXT_JANUARY) == []
