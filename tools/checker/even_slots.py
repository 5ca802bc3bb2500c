"""
The slots of an interval, as SEMANTICS §1 (step 1) says them: ``anchor + k * step`` for whole k.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class EvenSlots:
    """A fixed grid; nothing but an edit ever moves its anchor."""

    anchor: datetime
    step: timedelta

    def after(self, instant: datetime) -> datetime | None:
        """Return the first slot strictly after an instant."""
        return self.anchor + ((instant - self.anchor) // self.step + 1) * self.step

    def holds(self, instant: datetime) -> bool:
        """Say whether an instant is one of the slots."""
        return not (instant - self.anchor) % self.step

    def until(self, instant: datetime) -> datetime | None:
        """Return the last slot at or before an instant."""
        return self.anchor + (instant - self.anchor) // self.step * self.step

    def count(self, first: datetime, last: datetime) -> int:
        """Count the slots from ``first`` to ``last``, both of which are slots."""
        return (last - first) // self.step + 1
