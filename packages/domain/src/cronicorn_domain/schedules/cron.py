"""
A cron expression in a time zone: walks the wall clock, through every daylight saving change.

What an expression means while a clock is being set is a choice. Left open it is made as
Debian's cron makes it. A *fixed* expression (``30 2 * * *``: neither its minute nor its hour
starts with a star) names times of the day, and each of them comes once a day: those that a gap
swallows run right after it, together once, and those that are repeated run the first time. An
expression that *follows the clock* (``*/15 * * * *``) names a rhythm: it has nothing in a gap,
and runs in both passes of a repeat.

The rule knows no size: the half hour of Lord Howe and the day that Apia left out are gaps
alike. (The daemon itself cannot tell a gap of more than three hours from an administrator who
mends a wrong clock, and then starts nothing.)
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cronicorn_domain.schedules.cron_clock import (
    CLOCK_END,
    CLOCK_START,
    Stretch,
    clock_of,
    instant_at,
    second_of,
)
from cronicorn_domain.schedules.cron_expression import DAY, CronExpression


class GapPolicy(StrEnum):
    """What happens to slots whose wall time a clock that jumps ahead leaves out."""

    AFTER = "after"
    """They run as one slot, in the first second after the gap."""
    SKIP = "skip"
    """There are none."""


class RepeatPolicy(StrEnum):
    """Which slots there are at wall times that a clock set back shows twice."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


_NO_SILENCE = (1, 0)
"""The seconds from the first to the second, which is a slot, have no other; here: no seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronSchedule:
    """
    The slots of an expression on the wall clock of a zone.

    All instants are aware; those returned are UTC and lie on whole seconds. The three questions
    agree with one another: ``count_between(a, b)`` is how often ``next_after`` can be asked
    from ``a`` without passing ``b``, and its last answer is ``latest_until(b)``.

    Attributes:
        expression: What is to be read from the wall clock.
        timezone: The IANA name of the zone whose clock it is.
        gap: What to do when the clock jumps ahead; None to do as Debian's cron does.
        repeat: What to do when the clock is set back; None to do as Debian's cron does.

    Raises:
        InvalidSchedule: there is no such zone.
    """

    expression: CronExpression
    timezone: str = "UTC"
    gap: GapPolicy | None = None
    repeat: RepeatPolicy | None = None
    _silence: tuple[int, int] = field(default=_NO_SILENCE, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        clock_of(self.timezone)

    @property
    def effective_gap(self) -> GapPolicy:
        """The gap policy that holds: the chosen one, or what the expression calls for."""
        if self.gap is not None:
            return self.gap
        return GapPolicy.SKIP if self.expression.follows_wall_clock else GapPolicy.AFTER

    @property
    def effective_repeat(self) -> RepeatPolicy:
        """The repeat policy that holds: the chosen one, or what the expression calls for."""
        if self.repeat is not None:
            return self.repeat
        return RepeatPolicy.BOTH if self.expression.follows_wall_clock else RepeatPolicy.FIRST

    def next_after(self, instant: datetime) -> datetime | None:
        """Give the first slot strictly after an instant; None when the calendar ends first."""
        at = max(second_of(instant) + 1, CLOCK_START)
        since, slot = self._silence
        if not since <= at <= slot:
            # One decision asks from several instants between the same two slots.
            slot = self._first_from(at)
            object.__setattr__(self, "_silence", (at, slot))
        return None if slot >= CLOCK_END else instant_at(slot)

    def latest_until(self, instant: datetime) -> datetime | None:
        """Give the last slot at or before an instant; None when the calendar begins after it."""
        clock = clock_of(self.timezone)
        at = min(second_of(instant), CLOCK_END - 1)
        while at >= CLOCK_START:
            stretch = clock.stretch_at(at)
            slot = self._last_slot(stretch, at)
            if slot is not None:
                return instant_at(slot)
            at = min(stretch.start - 1, self._silent_since(at))
        return None

    def count_between(self, after: datetime, until: datetime) -> int:
        """Count the slots after an instant and up to another, that one included."""
        clock = clock_of(self.timezone)
        at = max(second_of(after) + 1, CLOCK_START)
        end = min(second_of(until) + 1, CLOCK_END)
        total = 0
        while at < end:
            stretch = clock.stretch_at(at)
            total += self._count_slots(stretch, at, min(end, stretch.end))
            at = stretch.end
        return total

    def _first_from(self, at: int) -> int:
        """Find the first slot that is not before ``at``; the calendar's end when there is none."""
        clock = clock_of(self.timezone)
        while at < CLOCK_END:
            stretch = clock.stretch_at(at)
            slot = self._first_slot(stretch, at)
            if slot is not None:
                return slot
            at = max(stretch.end, self._silent_until(at))
        return CLOCK_END

    def _first_slot(self, stretch: Stretch, at: int) -> int | None:
        """Find the first slot of a stretch that is not before ``at``, a second within it."""
        if at == stretch.start and self._runs_after_gap(stretch):
            return at
        first, beyond = self._wall_of(stretch)
        wall = self.expression.first_from(max(first, at + stretch.offset))
        return None if wall is None or wall >= beyond else wall - stretch.offset

    def _last_slot(self, stretch: Stretch, at: int) -> int | None:
        """Find the last slot of a stretch that is not after ``at``, a second within it."""
        first, beyond = self._wall_of(stretch)
        wall = self.expression.last_before(min(beyond, at + stretch.offset + 1))
        if wall is not None and wall >= first:
            return wall - stretch.offset
        return stretch.start if self._runs_after_gap(stretch) else None

    def _count_slots(self, stretch: Stretch, at: int, end: int) -> int:
        """Count the slots of a stretch from ``at`` on and before ``end``, both within it."""
        first, beyond = self._wall_of(stretch)
        first = max(first, at + stretch.offset)
        beyond = min(beyond, end + stretch.offset)
        if at == stretch.start and self._runs_after_gap(stretch):
            # What the gap left and what falls on its end are one slot.
            return 1 + self.expression.count(first + 1, beyond)
        return self.expression.count(first, beyond)

    def _wall_of(self, stretch: Stretch) -> tuple[int, int]:
        """Give the wall seconds, first and beyond the last, whose slots a stretch holds."""
        first, beyond = stretch.start + stretch.offset, stretch.end + stretch.offset
        if stretch.offset_before == stretch.offset == stretch.offset_after:
            return first, beyond
        repeat = self.effective_repeat
        if repeat is RepeatPolicy.FIRST:
            # What the clock showed before it was set back has had its slots.
            first = max(first, stretch.start + stretch.offset_before)
        if repeat is RepeatPolicy.SECOND:
            beyond = min(beyond, stretch.end + stretch.offset_after)
        return first, beyond

    def _runs_after_gap(self, stretch: Stretch) -> bool:
        """Whether a stretch begins with a slot that makes up for what the gap before it left."""
        gap_start = stretch.start + stretch.offset_before
        gap_end = stretch.start + stretch.offset
        if gap_start >= gap_end or self.effective_gap is GapPolicy.SKIP:
            return False
        wall = self.expression.first_from(gap_start)
        return wall is not None and wall < gap_end

    def _silent_until(self, at: int) -> int:
        """
        Give a second before which, from ``at`` on, there is surely no slot.

        No wall clock is a day or more away from UTC. This spares rare expressions the walk
        through every stretch of the years between.
        """
        wall = self.expression.first_from(at - DAY)
        return CLOCK_END if wall is None else wall - DAY

    def _silent_since(self, at: int) -> int:
        """Give a second after which, up to ``at``, there is surely no slot."""
        wall = self.expression.last_before(at + DAY)
        return CLOCK_START - 1 if wall is None else wall + DAY
