"""Instants as spans have them."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def in_order(*instants: datetime) -> list[int]:
    """Return them in nanoseconds, none before the one before: a clock may have been set back."""
    return [nanoseconds(max(instants[: n + 1])) for n in range(len(instants))]


def nanoseconds(instant: datetime) -> int:
    """Return how long after the epoch an instant is."""
    return (instant - _EPOCH) // _MICROSECOND * 1000
