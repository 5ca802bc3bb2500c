"""
A cron expression: the readings of a wall clock at which it fires.

Zones and daylight saving are no business of this module. A wall second is a reading of some
wall clock, counted so that ``wall // DAY`` is the day as ``date.toordinal`` counts it, and
``wall % DAY`` the seconds since its midnight. They are plain integers because they are
neither instants nor lengths, and because the scheduler asks for the next one on its hot path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.schedules.cron_days import Days, days_of
from cronicorn_domain.schedules.cron_fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    parse_field,
)
from cronicorn_domain.schedules.cron_times import Times, times_of

DAY: Final = 86_400

NICKNAMES: Final[Mapping[str, str]] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_KINDS = (SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
# Room for every minute, hour, day and month written out one by one.
_TEXT_MAX = 1_000
_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CronExpression:
    """
    Five fields (minute, hour, day-of-month, month, day-of-week), or six with leading seconds.

    Two expressions are equal when their texts are, spacing aside: what a person wrote is kept,
    and ``MON`` in place of ``1`` is a change of theirs.

    Attributes:
        text: The expression as written, with single spaces.
        follows_wall_clock: Whether the minute or the hour field starts with ``*``. Such an
            expression means a rhythm and goes with the clock when that is set; the others
            mean times of the day.
    """

    text: str
    follows_wall_clock: bool = field(compare=False, repr=False)
    days: Days = field(compare=False, repr=False)
    times: Times = field(compare=False, repr=False)

    @staticmethod
    def parse(text: str) -> "CronExpression":
        """
        Read an expression, or a nickname such as ``@daily``.

        Raises:
            InvalidSchedule: it cannot be read, and the message names the field at fault; or it
                can never fire, as on the 31st of February.
        """
        return _parsed(" ".join(text.split()))

    def __str__(self) -> str:
        """Give the expression as written."""
        return self.text

    def first_from(self, wall: int) -> int | None:
        """Give the first firing wall second at or after this one; None past the calendar's end."""
        day, time = divmod(wall, DAY)
        found = self.days.first_from(day)
        if found == day:
            time_today = self.times.first_from(time)
            if time_today is not None:
                return day * DAY + time_today
            found = self.days.first_from(day + 1)
        return None if found is None else found * DAY + self.times.first

    def last_before(self, wall: int) -> int | None:
        """Give the last firing wall second before this one; None before the calendar's start."""
        day, time = divmod(wall, DAY)
        if day in self.days:
            time_today = self.times.last_before(time)
            if time_today is not None:
                return day * DAY + time_today
        found = self.days.last_before(day)
        return None if found is None else found * DAY + self.times.last

    def count(self, first: int, beyond: int) -> int:
        """Count the firing wall seconds from ``first`` on and before ``beyond``."""
        if first >= beyond:
            return 0
        first_day, first_time = divmod(first, DAY)
        last_day, last_time = divmod(beyond, DAY)
        total = self.days.count(first_day, last_day) * len(self.times)
        if first_day in self.days:
            total -= self.times.count_before(first_time)
        if last_day in self.days:
            total += self.times.count_before(last_time)
        return total


@lru_cache(maxsize=2_048)
def _parsed(text: str) -> CronExpression:
    """Read an expression once: stored endpoints are read again and again, and many are alike."""
    second, minute, hour, day_of_month, month, day_of_week = (
        parse_field(field_text, kind)
        for field_text, kind in zip(fields_of(text), _KINDS, strict=True)
    )
    days = days_of(day_of_month=day_of_month, month=month, day_of_week=day_of_week)
    if not days:
        raise InvalidSchedule(
            f"{text!r} can never fire: no day of any year fits its day-of-month, month and "
            "day-of-week",
            field="cron",
            remedy="Choose a day that its months have, or L for the last day of a month.",
        )
    return CronExpression(
        text=text,
        follows_wall_clock=minute.starred or hour.starred,
        days=days,
        times=times_of(second=second, minute=minute, hour=hour),
    )


def fields_of(text: str) -> list[str]:
    """
    Split an expression into its six fields, seconds included.

    Raises:
        InvalidSchedule: there are too many or too few, or the nickname is unknown.
    """
    shown = repr(text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…")
    if len(text) > _TEXT_MAX:
        raise InvalidSchedule(
            f"{shown} has {len(text)} characters; expected at most {_TEXT_MAX}",
            field="cron",
            remedy="Use ranges and steps, such as 8-18 or */5.",
        )
    if text.startswith("@") and text.lower() not in NICKNAMES:
        raise InvalidSchedule(
            f"found {shown}; expected {', '.join(NICKNAMES)} or five fields",
            field="cron",
            remedy="Write one of these, or the five fields, such as */5 * * * *.",
        )
    fields = NICKNAMES.get(text.lower(), text).split()
    if len(fields) not in {len(_KINDS) - 1, len(_KINDS)}:
        names = ", ".join(kind.name for kind in _KINDS[1:])
        raise InvalidSchedule(
            f"found {len(fields)} fields in {shown}; expected five ({names}), or six with the "
            "second first",
            field="cron",
            remedy="Write for example */5 * * * * for every five minutes.",
        )
    return fields if len(fields) == len(_KINDS) else ["0", *fields]
