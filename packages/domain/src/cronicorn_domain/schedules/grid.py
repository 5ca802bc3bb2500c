"""A fixed grid of instants: how an interval keeps from drifting."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Grid:
    """
    The instants ``anchor + k * step`` for every whole ``k``.

    Promises the three questions that every recurring schedule answers: ``next_after``,
    ``latest_until`` and ``count_between``, each in constant time.
    """

    anchor: datetime
    step: timedelta

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first grid instant strictly after; None past the end of the calendar."""
        passed = instant - self.anchor
        try:
            return self.anchor + (passed - passed % self.step + self.step)
        except OverflowError:
            return None

    def latest_until(self, instant: datetime) -> datetime | None:
        """Return the newest grid instant at or before; None before the start of the calendar."""
        passed = instant - self.anchor
        try:
            return self.anchor + (passed - passed % self.step)
        except OverflowError:
            return None

    def count_between(self, after: datetime, until: datetime) -> int:
        """Count the grid instants in ``(after, until]``."""
        if until <= after:
            return 0
        return (until - self.anchor) // self.step - (after - self.anchor) // self.step
