"""How often something may be asked: permissions that come back one by one, at an even pace."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import NO_TIME

_LEAST_STEP = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """
    A bucket of ``count`` permissions, and the time in which an empty one fills up.

    Who did not ask for long may ask ``count`` times at once, and from then on once each ``step``.
    """

    count: int
    per: timedelta

    def __post_init__(self) -> None:
        """Refuse a bucket that holds nothing, or that fills up faster than instants are told."""
        if self.count < 1 or self.per <= NO_TIME or self.step < _LEAST_STEP:
            raise InvalidInput(
                f"{self.count} in {self.per} is not possible",
                field="rate",
                remedy="give at least 1, and no more than a million a second",
            )

    @property
    def step(self) -> timedelta:
        """After so long one more may be asked, to the microsecond."""
        return self.per / self.count

    @property
    def whole(self) -> timedelta:
        """So long an empty bucket takes to fill up: ``per``, but for what a step is rounded by."""
        return self.count * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """
    What came of asking for permissions.

    Attributes:
        granted: How many there were, at most as many as were wanted; 0 is a refusal.
        left: How many are left.
        full_at: When the bucket is full again, if nobody takes more.
        next_at: When there is one to be had: now, unless none is left.
    """

    granted: int
    left: int
    full_at: datetime
    next_at: datetime
