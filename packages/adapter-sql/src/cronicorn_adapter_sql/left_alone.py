"""What this process leaves alone for a while, because it can do nothing about it now."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class LeftAlone(Generic[Key]):
    """
    Keys that are not to be met again before a length of time has passed.

    So they keep neither this process from others nor others from their turn, and what has changed
    meanwhile is noticed all the same. Their rows stay where they are while those behind them go, so
    that no look comes by: those whose time is ``over`` are to be asked for by their keys, and then
    forgotten.
    """

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self._until: dict[Key, datetime] = {}

    def add(self, keys: Iterable[Key], now: datetime) -> None:
        """Leave these alone from now on."""
        self._until |= dict.fromkeys(keys, now + self._length)

    def over(self, now: datetime, *, most: int) -> Sequence[Key]:
        """Return up to so many that may be met again."""
        return list(islice((key for key, until in self._until.items() if until <= now), most))

    def forget(self, keys: Iterable[Key]) -> None:
        """Leave these alone no longer."""
        for key in keys:
            self._until.pop(key, None)

    def all(self) -> Sequence[Key]:
        """Return what is left alone, and what was not met again yet."""
        return tuple(self._until)

    def first_end(self) -> datetime | None:
        """Return the instant at which the first of them may be met again; None: there is none."""
        return min(self._until.values(), default=None)
