"""How late runs start: percentiles in bounded memory."""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate

_FINEST = timedelta(microseconds=100)
_STEP = 1.05
ERROR = 0.025
"""A percentile is off by this share of itself at most (and by 0.1 ms where it is tiny)."""


@dataclass(slots=True)
class Lateness:
    """
    A histogram of lengths whose buckets grow by 5 % each; the mean and the most are exact.

    It holds a few hundred numbers, however many runs it has seen. ``buckets`` counts by bucket.
    """

    count: int = 0
    total: timedelta = timedelta()
    most: timedelta = timedelta()
    early: int = 0
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, late: timedelta) -> None:
        """Take note of a start; one before its time counts as early, and as not late."""
        if late < timedelta():
            self.early += 1
            late = timedelta()
        self.count += 1
        self.total += late
        self.most = max(self.most, late)
        self.buckets[_bucket(late)] += 1

    def take_in(self, other: "Lateness") -> None:
        """Count in what another has seen."""
        self.count += other.count
        self.total += other.total
        self.early += other.early
        self.most = max(self.most, other.most)
        self.buckets.update(other.buckets)

    @property
    def mean(self) -> timedelta | None:
        """Return the mean; None when nothing was seen."""
        return self.total / self.count if self.count else None

    def percentile(self, share: float) -> timedelta | None:
        """Return the length that ``share`` of the runs (0 to 1) did not exceed; None: no runs."""
        if not self.count:
            return None
        wanted = max(1, math.ceil(share * self.count))
        buckets = sorted(self.buckets)
        reached = accumulate(self.buckets[bucket] for bucket in buckets)
        bucket = next(one for one, up_to in zip(buckets, reached, strict=True) if up_to >= wanted)
        return min(_middle(bucket), self.most)


def _bucket(length: timedelta) -> int:
    if length <= _FINEST:
        return 0
    return 1 + int(math.log(length / _FINEST, _STEP))


def _middle(bucket: int) -> timedelta:
    """Return the middle of a bucket, by ratio: it is off by the same share either way."""
    return timedelta() if bucket == 0 else _FINEST * _STEP ** (bucket - 0.5)
