"""Durations in steps, each a fifth longer than the one before: what percentiles are read from."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from cronicorn_domain.instants import MILLISECOND

GROWTH: Final = 1.2
"""A step ends with durations so many times as long as those that the one before it ends with."""
_LOG: Final = math.log(GROWTH)


def step_of(duration: timedelta) -> int:
    """Return the step that a duration lies in: 0 up to a millisecond, 83 for an hour."""
    milliseconds = duration / MILLISECOND
    return 0 if milliseconds <= 1 else math.ceil(math.log(milliseconds) / _LOG)


def percentile(counts: Mapping[int, int], share: float) -> timedelta | None:
    """
    Return what so large a share of durations is not longer than, a tenth more or less.

    Args:
        counts: How many durations lie in each step.
        share: Above 0, and 1 at most.

    Returns None when there are no durations.
    """
    behind = math.ceil(share * sum(counts.values()))
    for step in sorted(step for step, count in counts.items() if count):
        behind -= counts[step]
        if behind <= 0:
            return math.pow(GROWTH, step - 0.5) * MILLISECOND
    return None
