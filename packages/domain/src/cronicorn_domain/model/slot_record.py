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
    """
    Consecutive slots, ``first`` to ``last`` and ``count`` in all, not run for one reason.

    The count is exact where the schedule alone says where slots lie, however many there are. Where
    guardrails, failures or hints have a say, slots lie unevenly, and each can be found only by
    planning the one before it: the first hundred are, and those behind them are counted by the
    schedule alone, so that no outage, however long, makes a claim or a settle take long.
    """

    fate: Fate
    reason: str
    first: datetime
    last: datetime
    count: int
    recorded_at: datetime
