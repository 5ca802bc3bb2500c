"""
Instants and lengths as the whole system means them: aware, in UTC, in milliseconds on the wire.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

MILLISECOND = timedelta(milliseconds=1)
MICROSECOND = timedelta(microseconds=1)
NO_TIME = timedelta()
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Nothing is planned behind it, so that no sum of instants and lengths leaves the calendar."""
OPEN_ENDED = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The end of a pause that has none; it reads so on the wire, too."""


def floor_millisecond(instant: datetime) -> datetime:
    """
    Cut an instant to its millisecond, which is as fine as a slot can be.

    Slots appear on the wire and in idempotency keys in milliseconds; two slots that differ by
    less would be one to every receiver.
    """
    return instant - timedelta(microseconds=instant.microsecond % 1000)


def ceil_millisecond(instant: datetime) -> datetime:
    """Round an instant up to its millisecond; rounding down would make something early."""
    over = instant.microsecond % 1000
    return instant + timedelta(microseconds=1000 - over) if over else instant


@lru_cache(maxsize=1024)
def iso_milliseconds(instant: datetime) -> str:
    """
    Write an instant as ISO 8601 in UTC with milliseconds and ``Z``.

    A run writes its slot three times, within a moment: what was written lately is remembered.
    """
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='milliseconds')[:-6]}Z"
