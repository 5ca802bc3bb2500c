"""The times of day at which a cron expression fires: some minutes, and some seconds in each."""

from dataclasses import dataclass

from cronicorn_domain.schedules.cron_bits import (
    bits_of,
    count_before,
    first_from,
    highest,
    last_before,
    lowest,
)
from cronicorn_domain.schedules.cron_fields import Field

_MINUTE = 60
_MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class Times:
    """
    Every time that fits three time fields, in seconds since midnight.

    Attributes:
        minutes: The minutes of the day, as a set of bits.
        seconds: The seconds in each of these minutes, likewise.
    """

    minutes: int
    seconds: int

    @property
    def first(self) -> int:
        """The first time of a day."""
        return lowest(self.minutes) * _MINUTE + lowest(self.seconds)

    @property
    def last(self) -> int:
        """The last time of a day."""
        return highest(self.minutes) * _MINUTE + highest(self.seconds)

    def __len__(self) -> int:
        """Count the times of one day."""
        return self.minutes.bit_count() * self.seconds.bit_count()

    def first_from(self, time: int) -> int | None:
        """Give the first of the times at or after ``time``; None when the day has no more."""
        minute, second = divmod(time, _MINUTE)
        if self.minutes >> minute & 1:
            in_this_minute = first_from(self.seconds, second)
            if in_this_minute is not None:
                return minute * _MINUTE + in_this_minute
        found = first_from(self.minutes, minute + 1)
        return None if found is None else found * _MINUTE + lowest(self.seconds)

    def last_before(self, time: int) -> int | None:
        """Give the last of the times before ``time``; None when the day had none yet."""
        minute, second = divmod(time, _MINUTE)
        if self.minutes >> minute & 1:
            in_this_minute = last_before(self.seconds, second)
            if in_this_minute is not None:
                return minute * _MINUTE + in_this_minute
        found = last_before(self.minutes, minute)
        return None if found is None else found * _MINUTE + highest(self.seconds)

    def count_before(self, time: int) -> int:
        """Count the times before ``time``."""
        minute, second = divmod(time, _MINUTE)
        whole = count_before(self.minutes, minute) * self.seconds.bit_count()
        return whole + (count_before(self.seconds, second) if self.minutes >> minute & 1 else 0)


def times_of(*, second: Field, minute: Field, hour: Field) -> Times:
    """Find the times that fit."""
    of_an_hour = bits_of(minute.numbers)
    of_the_day = 0
    for number in hour.numbers:
        of_the_day |= of_an_hour << (number * _MINUTES_PER_HOUR)
    return Times(minutes=of_the_day, seconds=bits_of(second.numbers))
