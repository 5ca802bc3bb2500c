"""
The wall clock of a zone, as even stretches between the changes of its offset.

Within a stretch a wall clock simply runs, so that everything about daylight saving is said by
the two ends of stretches: the clock jumps ahead there and leaves a gap, or it is set back and
repeats itself.

Seconds here are UTC, counted so that ``second // DAY`` is the day as ``date.toordinal`` counts
it; a stretch's offset turns them into wall seconds.
"""

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cronicorn_domain.schedules.cron_expression import DAY
from cronicorn_domain.schedules.zones import zone

_FIRST_INSTANT = datetime(MINYEAR, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

# Two days short of what a datetime can hold, so that no offset leads out of the calendar.
CLOCK_START: Final = 3 * DAY
CLOCK_END: Final = (date.max.toordinal() - 2) * DAY

# How far apart the zone is asked for its offset. No zone has ever had two changes within less
# than six days, so that nothing happens unseen between two answers.
_PROBE = 3 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """
    A piece of time in which a wall clock ran evenly.

    Attributes:
        start: Its first second.
        end: The first second behind it.
        offset: What to add to one of its seconds to get the wall second.
        offset_before: The offset until ``start``.
        offset_after: The offset from ``end`` on.
    """

    start: int
    end: int
    offset: int
    offset_before: int
    offset_after: int


_NEVER = Stretch(start=0, end=0, offset=0, offset_before=0, offset_after=0)


class WallClock:
    """
    The wall clock of one zone; ask ``clock_of`` for it.

    The standard library answers only what the offset of an instant is. The changes are found
    by asking it every few days, year by year as they are needed, and are kept.
    """

    __slots__ = ("_latest", "_years", "_zone")

    def __init__(self, zone_info: ZoneInfo) -> None:
        self._zone = zone_info
        self._years: dict[int, tuple[Stretch, ...]] = {}
        # A zone answers without an instant only if its offset is the same at all of them.
        fixed = zone_info.utcoffset(None)
        self._latest = _NEVER if fixed is None else _whole_time(fixed // _SECOND)

    def stretch_at(self, second: int) -> Stretch:
        """
        Give the stretch that holds a second between ``CLOCK_START`` and ``CLOCK_END``.

        A stretch ends also once a year, at a quiet moment; the offset is then the same before
        and after.
        """
        # Most questions are about the present, as the one before.
        stretch = self._latest
        if not stretch.start <= second < stretch.end:
            stretch = self._latest = self._find_stretch(second)
        return stretch

    def _find_stretch(self, second: int) -> Stretch:
        year = date.fromordinal(second // DAY).year
        stretches = self._in_year(year)
        if second < stretches[0].start:
            stretches = self._in_year(year - 1)
        return next(stretch for stretch in stretches if second < stretch.end)

    def _in_year(self, year: int) -> tuple[Stretch, ...]:
        if year not in self._years:
            self._years[year] = self._find(self._quiet_moment(year), self._quiet_moment(year + 1))
        return self._years[year]

    def _quiet_moment(self, year: int) -> int:
        """
        Find where to cut in a year: early in it, and far from any change.

        A gap or a repeat that lay across the cut would be torn. None is longer than a day.
        """
        if year <= MINYEAR:
            return CLOCK_START
        if year > MAXYEAR:
            return CLOCK_END
        second = date(year, 1, 1).toordinal() * DAY
        while self._offset(second) != self._offset(second + _PROBE):
            second += _PROBE
        return second + _PROBE // 2

    def _find(self, start: int, end: int) -> tuple[Stretch, ...]:
        edges = [start, *self._changes(start, end), end]
        offsets = [self._offset(edge) for edge in edges[:-1]]
        return tuple(
            Stretch(
                start=since,
                end=until,
                offset=offsets[i],
                offset_before=offsets[max(i - 1, 0)],
                offset_after=offsets[min(i + 1, len(offsets) - 1)],
            )
            for i, (since, until) in enumerate(pairwise(edges))
        )

    def _changes(self, start: int, end: int) -> list[int]:
        """Find the first second of each new offset."""
        probes = pairwise([*range(start, end, _PROBE), end])
        return [
            self._change_between(since, until)
            for since, until in probes
            if self._offset(since) != self._offset(until)
        ]

    def _change_between(self, since: int, until: int) -> int:
        """Narrow a change down to its second, by halves."""
        offset = self._offset(since)
        while until - since > 1:
            middle = (since + until) // 2
            if self._offset(middle) == offset:
                since = middle
            else:
                until = middle
        return until

    def _offset(self, second: int) -> int:
        offset = instant_at(second).astimezone(self._zone).utcoffset()
        assert offset is not None, "a zone knows the offset of every instant"
        return offset // _SECOND


@cache
def clock_of(timezone: str) -> WallClock:
    """
    Give the wall clock of a zone, by its IANA name.

    Raises:
        InvalidSchedule: there is no such zone.
    """
    return WallClock(zone(timezone))


def second_of(instant: datetime) -> int:
    """Give the second in which an aware instant lies."""
    passed = instant - _FIRST_INSTANT
    return passed.days * DAY + passed.seconds + DAY


def instant_at(second: int) -> datetime:
    """Give the instant, in UTC, at which a second begins."""
    return _FIRST_INSTANT + timedelta(second // DAY - 1, second % DAY)


def _whole_time(offset: int) -> Stretch:
    return Stretch(
        start=CLOCK_START,
        end=CLOCK_END,
        offset=offset,
        offset_before=offset,
        offset_after=offset,
    )
