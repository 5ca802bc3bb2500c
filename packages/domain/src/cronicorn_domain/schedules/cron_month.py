"""
Days that only a month can tell: its last day, its second Friday, the workday nearest to a date.

Weekdays are counted as cron does: Sunday is 0 and Saturday is 6. Workdays are Monday to Friday.
"""

from dataclasses import dataclass
from typing import Protocol

SUNDAY = 0
SATURDAY = 6


@dataclass(frozen=True, slots=True)
class Month:
    """The shape of a month, which is all that cron needs to know of it."""

    length: int
    first_weekday: int

    def weekday(self, day: int) -> int:
        """Give the weekday of a day, the first being 1."""
        return (self.first_weekday + day - 1) % 7


class DayOfMonth(Protocol):
    """A day that is described, and looked up in each month."""

    def day_in(self, month: Month) -> int | None:
        """Give the day, the first being 1; None when this month has no such day."""
        ...


@dataclass(frozen=True, slots=True)
class LastDay:
    """``L``: the last day of the month."""

    def day_in(self, month: Month) -> int:
        """Give the day; every month has one."""
        return month.length


@dataclass(frozen=True, slots=True)
class LastWorkday:
    """``LW``: the last workday of the month."""

    def day_in(self, month: Month) -> int:
        """Give the day; every month has one."""
        days_back = {SATURDAY: 1, SUNDAY: 2}
        return month.length - days_back.get(month.weekday(month.length), 0)


@dataclass(frozen=True, slots=True)
class NearestWorkday:
    """``15W``: the workday nearest to a date, never in another month."""

    day: int

    def day_in(self, month: Month) -> int | None:
        """Give the day; None in a month that does not have the date."""
        if self.day > month.length:
            return None
        weekday = month.weekday(self.day)
        if weekday == SATURDAY:
            return self.day - 1 if self.day > 1 else 3
        if weekday == SUNDAY:
            return self.day + 1 if self.day < month.length else self.day - 2
        return self.day


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """``5L``: the last Friday of the month."""

    weekday: int

    def day_in(self, month: Month) -> int:
        """Give the day; every month has one."""
        return month.length - (month.weekday(month.length) - self.weekday) % 7


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """``5#2``: the second Friday of the month."""

    weekday: int
    nth: int

    def day_in(self, month: Month) -> int | None:
        """Give the day; None in a month without a fifth one."""
        day = 1 + (self.weekday - month.first_weekday) % 7 + 7 * (self.nth - 1)
        return day if day <= month.length else None
