"""
The days on which a cron expression fires.

The calendar has only fourteen different years: the first of January falls on one of seven
weekdays, and the year is a leap year or not. Each is kept as one set of days, and every
question about any stretch of centuries is answered from those fourteen.

Days are counted as ``date.toordinal`` counts them.
"""

from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date

from cronicorn_domain.schedules.cron_bits import bits_of, count_before, first_from, last_before
from cronicorn_domain.schedules.cron_fields import Field
from cronicorn_domain.schedules.cron_month import Month

_WEEK = 7
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LEAP_MONTH_LENGTHS = (31, 29, *_MONTH_LENGTHS[2:])


@dataclass(frozen=True, slots=True)
class Days:
    """
    Every day that fits three day fields.

    Attributes:
        years: For each of the fourteen kinds of year, its days; the first of January is 0.
            The common years come first, each seven sorted by the weekday of the first of January.
    """

    years: tuple[int, ...]

    def __bool__(self) -> bool:
        """Whether there is any such day; each kind of year does come."""
        return any(self.years)

    def first_from(self, day: int) -> int | None:
        """Give the first of the days at or after ``day``; None when the calendar ends before."""
        year = date.fromordinal(day).year
        while year <= MAXYEAR:
            new_year = date(year, 1, 1).toordinal()
            found = first_from(self._in(year, new_year), max(day - new_year, 0))
            if found is not None:
                return new_year + found
            year += 1
        return None

    def last_before(self, day: int) -> int | None:
        """Give the last of the days before ``day``; None when the calendar begins after it."""
        year = date.fromordinal(day).year
        while year >= MINYEAR:
            new_year = date(year, 1, 1).toordinal()
            found = last_before(self._in(year, new_year), min(day - new_year, 366))
            if found is not None:
                return new_year + found
            year -= 1
        return None

    def count(self, first: int, beyond: int) -> int:
        """Count the days from ``first`` on and before ``beyond``."""
        total = 0
        for year in range(date.fromordinal(first).year, date.fromordinal(beyond).year + 1):
            new_year = date(year, 1, 1).toordinal()
            days = self._in(year, new_year)
            total += count_before(days, min(beyond - new_year, 366))
            total -= count_before(days, max(first - new_year, 0))
        return total

    def __contains__(self, day: int) -> bool:
        """Whether it is one of the days."""
        year = date.fromordinal(day).year
        new_year = date(year, 1, 1).toordinal()
        return bool(self._in(year, new_year) >> (day - new_year) & 1)

    def _in(self, year: int, new_year: int) -> int:
        """Give the days of a year; the ordinal of a day, modulo seven, is its weekday."""
        return self.years[new_year % _WEEK + (_WEEK if isleap(year) else 0)]


def days_of(*, day_of_month: Field, month: Field, day_of_week: Field) -> Days:
    """
    Find the days that fit, or no day at all.

    A day fits when its month does, and either its date or its weekday. When one of the two
    starts with a star both have to fit, as in Debian's cron: ``*/2`` says "every second day",
    and together with a weekday "but only on that weekday".
    """
    both = day_of_month.starred or day_of_week.starred
    months = {
        shape: _fitting(shape, day_of_month, day_of_week, both=both) for shape in _month_shapes()
    }
    return Days(
        tuple(
            _year(months, lengths, first_weekday=weekday, month=month)
            for lengths in (_MONTH_LENGTHS, _LEAP_MONTH_LENGTHS)
            for weekday in range(_WEEK)
        )
    )


def _month_shapes() -> Iterator[Month]:
    for length in sorted({*_MONTH_LENGTHS, *_LEAP_MONTH_LENGTHS}):
        for weekday in range(_WEEK):
            yield Month(length, weekday)


def _fitting(shape: Month, day_of_month: Field, day_of_week: Field, *, both: bool) -> int:
    """Find the fitting days of a month; its first is 0."""
    dates = {day for day in day_of_month.numbers if day <= shape.length}
    dates |= {found for day in day_of_month.days if (found := day.day_in(shape))}
    weekdays = {
        day for day in range(1, shape.length + 1) if shape.weekday(day) in day_of_week.numbers
    }
    weekdays |= {found for day in day_of_week.days if (found := day.day_in(shape))}
    return bits_of(day - 1 for day in (dates & weekdays if both else dates | weekdays))


def _year(
    months: dict[Month, int], lengths: tuple[int, ...], *, first_weekday: int, month: Field
) -> int:
    """Put a year together from its months; the first of January is 0."""
    days, start = 0, 0
    for number, length in enumerate(lengths, start=1):
        if number in month.numbers:
            days |= months[Month(length, (first_weekday + start) % _WEEK)] << start
        start += length
    return days
