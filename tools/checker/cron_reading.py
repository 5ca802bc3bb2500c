"""
A cron expression read in the plainest way: does it fire when a clock shows this?

Written from SEMANTICS §4 alone, and sharing no code with the schedules it judges.
"""

from calendar import monthrange
from datetime import date, timedelta

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
NAMES = {
    name: str(number)
    for names, begin in (
        ("SUN MON TUE WED THU FRI SAT", 0),
        ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1),
    )
    for number, name in enumerate(names.split(), start=begin)
}
BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
"""Lowest and highest of second, minute, hour, day-of-month, month and day-of-week."""
WITH_SECONDS = len(BOUNDS)
SATURDAY = 5


class CronReading:
    """
    The numbers of each field, and the days that an expression names in other ways.

    Attributes:
        seconds: With ``minutes`` and ``hours`` the times of a day at which it fires, sorted.
        finest: The step of the clock it has to be held against: a second, or a minute.
        follows_clock: Its minute or hour field starts with a star: it goes with the wall clock.
    """

    def __init__(self, text: str) -> None:
        fields = NICKNAMES.get(text.lower(), text).upper().split()
        with_seconds = len(fields) == WITH_SECONDS
        self._fields = fields if with_seconds else ["0", *fields]
        seconds, minutes, hours, self._dates, self._months, self._weekdays = (
            numbers(field, *bounds) for field, bounds in zip(self._fields, BOUNDS, strict=True)
        )
        self.seconds, self.minutes, self.hours = sorted(seconds), sorted(minutes), sorted(hours)
        self.finest = timedelta(seconds=1) if with_seconds else timedelta(minutes=1)
        self.follows_clock = self._starred(1) or self._starred(2)
        self._days: dict[date, bool] = {}

    def fires_on(self, day: date) -> bool:
        """Say whether it fires on a day: either field of days matches; both if one is starred."""
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._fires_on(day)
        return known

    def _fires_on(self, day: date) -> bool:
        if day.month not in self._months:
            return False
        by_date = day.day in self._dates or named_date(self._fields[3], day)
        weekday = day.isoweekday()
        by_weekday = weekday in self._weekdays or weekday % 7 in self._weekdays
        by_weekday = by_weekday or named_weekday(self._fields[5], day)
        if self._starred(3) or self._starred(5):
            return by_date and by_weekday
        return by_date or by_weekday

    def _starred(self, field: int) -> bool:
        return self._fields[field][0] in "*?"


def numbers(field: str, lowest: int, highest: int) -> frozenset[int]:
    """Read the numbers of a field; days that are named otherwise are left to others."""
    found: set[int] = set()
    for item in field.split(","):
        if item.endswith(("L", "W")) or "#" in item:
            continue
        values, _, step = item.partition("/")
        first, _, last = values.partition("-")
        if values in {"*", "?"}:
            begin, end = lowest, highest
        else:
            begin = int(NAMES.get(first, first))
            end = int(NAMES.get(last, last)) if last else highest if step else begin
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def named_date(field: str, day: date) -> bool:
    """Say whether a day is one of ``L``, ``LW`` or ``15W``."""
    length = monthrange(day.year, day.month)[1]
    workdays = [n for n in range(1, length + 1) if day.replace(day=n).weekday() < SATURDAY]
    for item in field.split(","):
        if item == "L":
            named = length
        elif item == "LW":
            named = workdays[-1]
        elif item.endswith("W") and int(item[:-1]) <= length:
            wanted = int(item[:-1])
            named = min(workdays, key=lambda each: abs(each - wanted))
        else:
            continue
        if day.day == named:
            return True
    return False


def named_weekday(field: str, day: date) -> bool:
    """Say whether a day is one of ``5L`` (the last Friday) or ``5#2`` (the second)."""
    length = monthrange(day.year, day.month)[1]
    for item in field.split(","):
        weekday, _, nth = item.partition("#")
        if not nth and not item.endswith("L"):
            continue
        weekday = weekday.removesuffix("L")
        if day.isoweekday() % 7 != int(NAMES.get(weekday, weekday)) % 7:
            continue
        if (day.day - 1) // 7 + 1 == int(nth) if nth else day.day + 7 > length:
            return True
    return False
