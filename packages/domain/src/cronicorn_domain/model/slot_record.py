"""A record of slots that were not run, and why."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """What became of slots instead of a run."""

    SKIPPED = "skipped"
    COALESCED = "coalesced"
    DEFERRED = "deferred"
    BLOCKED = "blocked"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRecord:
    """
    Consecutive slots, ``first`` to ``last`` and ``count`` in all, not run for one reason.

    The count is exact where the schedule alone says where slots lie, however many there are. Where
    guardrails, failures or hints have a say, slots lie unevenly, and each can be found only by
    planning the one before it: the first hundred are, and those behind them are counted by the
    schedule alone, so that no outage, however long, makes a claim or a settle take long.

    Attributes:
        recorded_at: When the first of them were recorded.
        prolonged_at: When the latest were added to them; None: all were recorded at once.
        follows: The slot of the rhythm before ``first``, where that may be on record for the same
            reason. A store adds the slots to the record that ends there, if it has one of the same
            fate and reason, and else keeps a new one; it does not keep this.
    """

    fate: Fate
    reason: str
    first: datetime
    last: datetime
    count: int
    recorded_at: datetime
    prolonged_at: datetime | None = None
    follows: datetime | None = None

    def prolonged(self, more: "SlotRecord") -> "SlotRecord":
        """Return the record with the slots of another that goes on with it."""
        return replace(
            self, last=more.last, count=self.count + more.count, prolonged_at=more.recorded_at
        )

    def continues(self, before: "SlotRecord") -> bool:
        """Say whether its slots follow those of another, not run for the same reason either."""
        return (self.follows, self.fate, self.reason) == (before.last, before.fate, before.reason)
