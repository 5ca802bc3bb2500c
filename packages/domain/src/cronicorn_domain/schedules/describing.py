"""
Schedules in words, and what daylight saving makes of them.

The words are made of the same fields that slots are found by, so that what a person reads before
saving is what will be run.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final, assert_never

from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_clock import Stretch, clock_of, instant_at, second_of
from cronicorn_domain.schedules.cron_expression import DAY, CronExpression, fields_of
from cronicorn_domain.schedules.cron_fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    Field,
    FieldKind,
    parse_field,
)
from cronicorn_domain.schedules.cron_month import (
    DayOfMonth,
    LastDay,
    LastWeekday,
    LastWorkday,
    NearestWorkday,
    NthWeekday,
)
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.wording import instant_in_words, length_in_words

TIMES_MOST: Final = 6
"""So many times of the day are named one by one."""
_WEEKDAYS: Final = (
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
)
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth")
_TEENS: Final = (11, 12, 13)
_RANGE_LEAST: Final = 3
"""Fewer neighbours are named one by one."""


class ClockChange(StrEnum):
    """What a clock does when it is set."""

    GAP = "gap"
    """It jumps ahead, and shows some times never."""
    REPEAT = "repeat"
    """It is set back, and shows some times twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDay:
    """
    A day on which the clock of a schedule's zone is set, and what becomes of the slots there.

    Attributes:
        at: The first instant of the new offset.
        change: What the clock does.
        touched: Whether a slot's wall time is among those that are left out or shown twice.
        sentence: All of it, for people.
    """

    at: datetime
    change: ClockChange
    touched: bool
    sentence: str


def schedule_in_words(schedule: Schedule) -> str:
    """
    Say when a schedule fires: ``every 5 min``, ``at 02:30 every day``, ``once, at …``.

    The zone of a cron expression is left to who shows it.
    """
    match schedule:
        case CronSchedule(expression=expression):
            return cron_in_words(expression)
        case IntervalSchedule(every=every):
            return f"every {length_in_words(every)}"
        case OnceSchedule(at=at):
            return f"once, at {instant_in_words(at)}"
        case _:
            assert_never(schedule)


def cron_in_words(expression: CronExpression) -> str:
    """Say when an expression fires, as of the wall clock."""
    second, minute, hour, day_of_month, month, day_of_week = (
        parse_field(text, kind)
        for text, kind in zip(
            fields_of(expression.text),
            (SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK),
            strict=True,
        )
    )
    times, named = _times(second, minute, hour)
    days = _days(day_of_month, day_of_week)
    months = "" if _is_whole(month, MONTH) else f"in {_listed(month.numbers, _month)}"
    if not days and named:
        days = "every day"
    return ", ".join(part for part in (_joined(times, days), months) if part)


def change_days(schedule: Schedule, since: datetime, until: datetime) -> Sequence[ChangeDay]:
    """
    Return the days from an instant to another on which a cron schedule's clock is set.

    Intervals and single instants know no clock: none.
    """
    if not isinstance(schedule, CronSchedule):
        return []
    return [
        _change_day(schedule, before, after)
        for before, after in _changes(schedule.timezone, second_of(since), second_of(until))
    ]


def _joined(times: str, days: str) -> str:
    if not days:
        return times
    return f"{times} {days}" if days == "every day" else f"{times}, {days}"


def _times(second: Field, minute: Field, hour: Field) -> tuple[str, bool]:
    """Say at which times of a day; and whether they are named one by one."""
    count = len(second.numbers) * len(minute.numbers) * len(hour.numbers)
    if count <= TIMES_MOST:
        with_seconds = second.numbers != {0}
        clock = [
            f"{h:02d}:{m:02d}" + (f":{s:02d}" if with_seconds else "")
            for h in sorted(hour.numbers)
            for m in sorted(minute.numbers)
            for s in sorted(second.numbers)
        ]
        return f"at {_and(clock)}", True
    return _rhythm(second, minute, hour), False


def _rhythm(second: Field, minute: Field, hour: Field) -> str:
    every_minute, every_hour = _is_whole(minute, MINUTE), _is_whole(hour, HOUR)
    by_seconds = _step_in_words(second.numbers, 60, "second")
    if second.numbers != {0} and every_minute:
        head = by_seconds or f"at {_counted('second', second.numbers)} of every minute"
        return head if every_hour else f"{head} {_hours(hour)}"
    tail = "" if second.numbers == {0} else f", at {_counted('second', second.numbers)}"
    if len(minute.numbers) == 1:
        (at,) = minute.numbers
        of_hour = "" if at == 0 else f" at minute {at}"
        stepped = _step_in_words(hour.numbers, 24, "hour")
        if stepped:
            return f"{stepped}{of_hour}{tail}"
        return f"every hour{of_hour} {_hours(hour)}{tail}"
    head = _step_in_words(minute.numbers, 60, "minute")
    head = head or f"at {_counted('minute', minute.numbers)} of every hour"
    return f"{head}{tail}" if every_hour else f"{head} {_hours(hour)}{tail}"


def _step_in_words(numbers: Collection[int], whole: int, unit: str) -> str:
    """Say an even step through the whole of a field; nothing if it is none."""
    ordered = sorted(numbers)
    if len(ordered) == whole:
        return f"every {unit}"
    step = ordered[1] - ordered[0] if len(ordered) > 1 else whole
    even = whole % step == 0 and ordered == list(range(ordered[0], whole, step))
    if not even or ordered[0] >= step or len(ordered) == 1:
        return ""
    from_where = "" if ordered[0] == 0 else f" from {unit} {ordered[0]} on"
    return f"every {step} {unit}s{from_where}"


def _hours(hour: Field) -> str:
    ordered = sorted(hour.numbers)
    if len(ordered) == 1 or _is_run(ordered):
        return f"from {ordered[0]:02d}:00 to {ordered[-1]:02d}:59"
    return f"in {_counted('hour', ordered)}"


def _days(day_of_month: Field, day_of_week: Field) -> str:
    """Say on which days; nothing if on every one."""
    of_month = "" if _is_whole(day_of_month, DAY_OF_MONTH) else _dates(day_of_month)
    of_week = "" if len(day_of_week.numbers) == len(_WEEKDAYS) else _week(day_of_week)
    if not (of_month and of_week):
        return of_month or of_week
    both = day_of_month.starred or day_of_week.starred
    return f"{of_month} if that is {of_week}" if both else f"{of_month} and also {of_week}"


def _dates(field: Field) -> str:
    numbers = [_ordinal(each) for each in sorted(field.numbers)]
    if _is_run(sorted(field.numbers)):
        numbers = [f"{numbers[0]} to {numbers[-1]}"]
    return f"on the {_and([*numbers, *map(_described, field.days)])}"


def _week(field: Field) -> str:
    names = [] if not field.numbers else [_listed(field.numbers, _weekday)]
    described = [f"the {_described(each)} of the month" for each in field.days]
    text = _and([*names, *described])
    return text if len(field.numbers) > 1 and not described else f"on {text}"


def _described(day: DayOfMonth) -> str:
    match day:
        case LastDay():
            return "last day"
        case LastWorkday():
            return "last workday"
        case NearestWorkday(day=date):
            return f"workday nearest to the {_ordinal(date)}"
        case LastWeekday(weekday=weekday):
            return f"last {_weekday(weekday)}"
        case NthWeekday(weekday=weekday, nth=nth):
            return f"{_ORDINALS[nth - 1]} {_weekday(weekday)}"
        case _:
            raise AssertionError(f"no words for {day}")


def _is_whole(field: Field, kind: FieldKind) -> bool:
    return len(field.numbers) == kind.highest - kind.lowest + 1


def _is_run(ordered: Sequence[int]) -> bool:
    return len(ordered) >= _RANGE_LEAST and ordered[-1] - ordered[0] == len(ordered) - 1


def _listed(numbers: Collection[int], name: Callable[[int], str]) -> str:
    ordered = sorted(numbers)
    if name is _weekday:
        # Weeks are told from Monday on, so that a weekend's Sunday comes behind its Saturday.
        ordered = sorted(each or len(_WEEKDAYS) for each in numbers)
    if _is_run(ordered):
        return f"{name(ordered[0])} to {name(ordered[-1])}"
    return _and([name(each) for each in ordered])


def _counted(unit: str, numbers: Collection[int]) -> str:
    ordered = sorted(numbers)
    if _is_run(ordered):
        return f"{unit}s {ordered[0]} to {ordered[-1]}"
    return f"{unit if len(ordered) == 1 else f'{unit}s'} {_and([str(each) for each in ordered])}"


def _weekday(number: int) -> str:
    return _WEEKDAYS[number % len(_WEEKDAYS)]


def _month(number: int) -> str:
    return _MONTHS[number - 1]


def _ordinal(number: int) -> str:
    ending = "th" if number in _TEENS else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _changes(timezone: str, since: int, until: int) -> Iterator[tuple[Stretch, Stretch]]:
    """Find the stretches on both sides of each change of the offset."""
    clock = clock_of(timezone)
    stretches = [clock.stretch_at(since)]
    while stretches[-1].end < until:
        stretches.append(clock.stretch_at(stretches[-1].end))
    for before, after in pairwise(stretches):
        if before.offset != after.offset:
            yield before, after


def _change_day(schedule: CronSchedule, before: Stretch, after: Stretch) -> ChangeDay:
    at = after.start
    old, new = at + before.offset, at + after.offset
    first = schedule.expression.first_from(min(old, new))
    touched = first is not None and first < max(old, new)
    change = ClockChange.GAP if new > old else ClockChange.REPEAT
    moved = "ahead" if change is ClockChange.GAP else "back"
    told = f"On {_date(old)} the clock goes {moved} from {_clock(old)} to {_clock(new)}"
    if not touched:
        return ChangeDay(
            at=instant_at(at), change=change, touched=False, sentence=f"{told}; no slot is touched."
        )
    assert first is not None
    if change is ClockChange.GAP:
        what = _in_gap(schedule, first, new)
    else:
        what = _in_repeat(schedule, first)
    return ChangeDay(at=instant_at(at), change=change, touched=True, sentence=f"{told}: {what}.")


def _in_gap(schedule: CronSchedule, wall: int, end: int) -> str:
    if schedule.expression.follows_wall_clock and schedule.gap is None:
        return "what would lie between is left out, the rhythm goes on"
    left_out = f"{_clock(wall)} does not exist that day"
    match schedule.effective_gap:
        case GapPolicy.AFTER:
            return f"{left_out}, so it runs once at {_clock(end)}"
        case GapPolicy.SKIP:
            return f"{left_out}, so it does not run then"


def _in_repeat(schedule: CronSchedule, wall: int) -> str:
    twice = f"{_clock(wall)} comes twice"
    match schedule.effective_repeat:
        case RepeatPolicy.FIRST:
            return f"{twice}, and it runs the first time only"
        case RepeatPolicy.SECOND:
            return f"{twice}, and it runs the second time only"
        case RepeatPolicy.BOTH:
            return f"{twice}, and it runs both times"


def _clock(wall: int) -> str:
    minutes, seconds = divmod(wall % DAY, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


def _date(wall: int) -> str:
    day = date.fromordinal(wall // DAY)
    return f"{_weekday((day.weekday() + 1) % 7)} {day.day} {_month(day.month)} {day.year}"
