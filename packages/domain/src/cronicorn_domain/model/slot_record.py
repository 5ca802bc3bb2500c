"""A record of slots that were not run, and why."""

from dataclasses import dataclass
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
    """Consecutive slots, ``first`` to ``last`` and ``count`` in all, not run for one reason."""

    fate: Fate
    reason: str
    first: datetime
    last: datetime
    count: int
    recorded_at: datetime
