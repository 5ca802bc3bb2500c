"""
The slots of a cron schedule, found by watching the clock of its zone (SEMANTICS §4).

Day by day, each kept: where the clock runs evenly the times of the day are written down, and
around a change the clock is watched tick by tick, a day on either side, for what it leaves out
and what it shows twice.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy

from tools.checker.cron_reading import CronReading

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
DAYS_MOST = 41 * 366
"""A slot is looked for so many days ahead: 29 February on a Monday may be 40 years away."""


@cache
def zone(name: str) -> ZoneInfo:
    """Read a zone from the package, never from the host."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def even_offset(name: str, day: date) -> timedelta | None:
    """Return a zone's offset from UTC if it stays the same from a day before to a day behind."""
    clock, midnight = zone(name), datetime.combine(day, time(), UTC)
    seen = {(midnight + n * HOUR).astimezone(clock).utcoffset() for n in range(-24, 49)}
    return seen.pop() if len(seen) == 1 else None


@cache
def readings(name: str, day: date, tick: timedelta) -> Sequence[datetime]:
    """Watch a zone's clock from a day before to a day behind a day, both ends included."""
    clock, start = zone(name), datetime.combine(day, time(), UTC) - DAY
    ticks = 3 * DAY // tick
    return [(start + n * tick).astimezone(clock).replace(tzinfo=None) for n in range(ticks + 1)]


class CronSlots:
    """The slots of one schedule."""

    def __init__(self, schedule: CronSchedule) -> None:
        self._reading = CronReading(schedule.expression.text)
        self._zone = schedule.timezone
        follows = self._reading.follows_clock
        self._gap = schedule.gap or (GapPolicy.SKIP if follows else GapPolicy.AFTER)
        self._repeat = schedule.repeat or (RepeatPolicy.BOTH if follows else RepeatPolicy.FIRST)
        self._days: dict[date, list[datetime]] = {}
        reading = self._reading
        self._times = [
            timedelta(hours=hour, minutes=minute, seconds=second)
            for hour in reading.hours
            for minute in reading.minutes
            for second in reading.seconds
        ]

    def after(self, instant: datetime) -> datetime | None:
        """Return the first slot strictly after an instant; None: there is none for decades."""
        day = instant.date()
        slots = self._on(day)
        place = bisect_right(slots, instant)
        if place < len(slots):
            return slots[place]
        for _ in range(DAYS_MOST):
            day += DAY
            if slots := self._on(day):
                return slots[0]
        return None

    def holds(self, instant: datetime) -> bool:
        """Say whether an instant is one of the slots."""
        slots = self._on(instant.date())
        place = bisect_left(slots, instant)
        return place < len(slots) and slots[place] == instant

    def until(self, instant: datetime) -> datetime | None:
        """Return the last slot at or before an instant; None: there is none for decades."""
        day = instant.date()
        slots = self._on(day)
        if place := bisect_right(slots, instant):
            return slots[place - 1]
        for _ in range(DAYS_MOST):
            day -= DAY
            if slots := self._on(day):
                return slots[-1]
        return None

    def count(self, first: datetime, last: datetime) -> int:
        """Count the slots from ``first`` to ``last``, both of which are slots."""
        day, total = first.date(), 0
        while day <= last.date():
            total += len(self._on(day))
            day += DAY
        before = bisect_left(self._on(first.date()), first)
        slots = self._on(last.date())
        return total - before - (len(slots) - bisect_right(slots, last))

    def _on(self, day: date) -> list[datetime]:
        slots = self._days.get(day)
        if slots is None:
            offset = even_offset(self._zone, day)
            slots = self._watched(day) if offset is None else self._written_down(day, offset)
            self._days[day] = slots
        return slots

    def _written_down(self, day: date, offset: timedelta) -> list[datetime]:
        """The clock runs evenly: each time of a day is shown once."""
        midnight = datetime.combine(day, time(), UTC)
        slots = []
        for wall_day in (day - DAY, day, day + DAY):
            if self._reading.fires_on(wall_day):
                begin = datetime.combine(wall_day, time(), UTC) - offset
                slots += [
                    begin + at for at in self._times if midnight <= begin + at < midnight + DAY
                ]
        return slots

    def _watched(self, day: date) -> list[datetime]:
        """The clock is set around this day: look at it tick by tick."""
        tick, midnight = self._reading.finest, datetime.combine(day, time(), UTC)
        walls, times = readings(self._zone, day, tick), frozenset(self._times)
        shown = defaultdict(list)
        for number, wall in enumerate(walls):
            if self._fires(wall, times):
                shown[wall].append(midnight - DAY + number * tick)
        slots = set()
        for instants in shown.values():
            slots.update(self._passes(instants))
        if self._gap is GapPolicy.AFTER:
            for number, (before, behind) in enumerate(pairwise(walls), start=1):
                left_out = (before + n * tick for n in range(1, (behind - before) // tick))
                if any(self._fires(wall, times) for wall in left_out):
                    slots.add(midnight - DAY + number * tick)
        return sorted(slot for slot in slots if midnight <= slot < midnight + DAY)

    def _passes(self, instants: list[datetime]) -> list[datetime]:
        match self._repeat:
            case RepeatPolicy.FIRST:
                return instants[:1]
            case RepeatPolicy.SECOND:
                return instants[-1:]
            case RepeatPolicy.BOTH:
                return instants

    def _fires(self, wall: datetime, times: frozenset[timedelta]) -> bool:
        of_day = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
        return of_day in times and self._reading.fires_on(wall.date())
