"""What this process leaves alone for a while, because it can do nothing about it now."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from cronicorn_adapter_sql.lower_bound import FLOOR, LowerBound

Key = TypeVar("Key", bound=Hashable)


class LeftAlone(Generic[Key]):
    """
    Keys that are not to be met again before a length of time has passed.

    So they keep neither this process from others nor others from their turn, and what has changed
    meanwhile is noticed all the same. Their rows stay where they are while those behind them go:
    when some may be met again, ``bound`` is lowered, so that the next look is not above them.
    """

    def __init__(self, length: timedelta, *, bound: LowerBound) -> None:
        self._length = length
        self._bound = bound
        self._until: dict[Key, datetime] = {}

    def add(self, keys: Iterable[Key], now: datetime) -> None:
        """Leave these alone from now on."""
        self._until |= dict.fromkeys(keys, now + self._length)

    def at(self, now: datetime) -> Sequence[Key]:
        """Return what is left alone at ``now``, and forget the others."""
        left = {key: until for key, until in self._until.items() if until > now}
        if len(left) < len(self._until):
            self._bound.note(FLOOR)
            self._until = left
        return tuple(left)

    def all(self) -> Sequence[Key]:
        """Return what was left alone when it was last asked about an instant."""
        return tuple(self._until)

    def first_end(self) -> datetime | None:
        """Return the instant at which the first of them may be met again; None: there is none."""
        return min(self._until.values(), default=None)
