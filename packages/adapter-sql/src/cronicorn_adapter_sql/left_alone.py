"""What this process leaves alone for a while, because it can do nothing about it now."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class LeftAlone(Generic[Key]):
    """
    Keys that are not to be met again before a length of time has passed.

    So they keep neither this process from others nor others from their turn, and what has changed
    meanwhile is noticed all the same.
    """

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self._until: dict[Key, datetime] = {}

    def add(self, keys: Iterable[Key], now: datetime) -> None:
        """Leave these alone from now on."""
        self._until |= dict.fromkeys(keys, now + self._length)

    def at(self, now: datetime) -> Sequence[Key]:
        """Return what is left alone at ``now``, and forget the others."""
        if self._until:
            self._until = {key: until for key, until in self._until.items() if until > now}
        return tuple(self._until)

    def all(self) -> Sequence[Key]:
        """Return what was left alone when it was last asked about an instant."""
        return tuple(self._until)

    def first_end(self) -> datetime | None:
        """Return the instant at which the first of them may be met again; None: there is none."""
        return min(self._until.values(), default=None)
