"""The three kinds of schedule; each proposes fire times and knows nothing of what happened."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.instants import LATEST, ceil_millisecond
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.wording import length_in_words

SHORTEST_INTERVAL = timedelta(seconds=1)
LONGEST_INTERVAL = timedelta(days=3660)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSchedule:
    """Every so often, on a fixed grid whose anchor the endpoint keeps."""

    every: timedelta

    def __post_init__(self) -> None:
        """Refuse a length that cannot be a rhythm."""
        if not SHORTEST_INTERVAL <= self.every <= LONGEST_INTERVAL:
            raise InvalidSchedule(
                f"an interval of {length_in_words(self.every)} is not possible",
                field="every",
                remedy="give a length from 1s to 3660d",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceSchedule:
    """A single instant."""

    at: datetime

    def __post_init__(self) -> None:
        """Refuse an instant without a zone or out of reach; a slot is whole milliseconds."""
        if self.at.utcoffset() is None:
            raise InvalidSchedule(
                f"{self.at} has no zone", field="at", remedy="end it with Z or an offset"
            )
        if self.at >= LATEST:
            raise InvalidSchedule(
                f"{self.at} is too far ahead", field="at", remedy="give one before the year 9000"
            )
        object.__setattr__(self, "at", ceil_millisecond(self.at))


Schedule = CronSchedule | IntervalSchedule | OnceSchedule
Rhythm = CronSchedule | Grid
"""A recurring schedule at work: an interval has become a grid."""
