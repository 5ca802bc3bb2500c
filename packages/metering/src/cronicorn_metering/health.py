"""Says whether a worker lives, and whether it is ready, by what its store and its claims tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LATELY: Final = 15.0
"""Seconds without an answer of the store, or a look for what is due, after which it is not ready.

An idle worker asks several times in that time."""
STUCK: Final = 120.0
"""Seconds without a look after which only a restart can help: an outage alone stops no looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a worker stands; ``because`` says why it is not ready, a reason each."""

    live: bool
    because: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it takes what is due."""
        return self.live and not self.because


class Health:
    """
    Is told what happens, and says how the worker stands.

    Before it ``begins`` it waits for its store, or for migrations, and lives however long that is.
    """

    def __init__(self, *, has_room: Callable[[], bool], monotonic: Callable[[], float]) -> None:
        self._has_room = has_room
        self._monotonic = monotonic
        self._answered_at: float | None = None
        self._looked_at: float | None = None
        self._stopping = False

    def begins(self) -> None:
        """Note that the worker has all that it needs to look for what is due."""
        self._looked_at = self._monotonic()

    def answered(self) -> None:
        """Note that the store has answered."""
        self._answered_at = self._monotonic()

    def looked(self) -> None:
        """Note that the store was asked for what is due, whatever comes of it."""
        self._looked_at = self._monotonic()

    def stops(self) -> None:
        """Note that nothing is claimed any more."""
        self._stopping = True

    def standing(self) -> Standing:
        """Say how the worker stands now."""
        unlooked = self._unlooked()
        because = (
            "it is stopping" if self._stopping else "",
            self._silence(),
            f"it has not looked for what is due for {unlooked:.0f} s" if unlooked > LATELY else "",
        )
        return Standing(live=unlooked <= STUCK, because=tuple(filter(None, because)))

    def _silence(self) -> str:
        if self._answered_at is None:
            return "the store has not answered yet"
        silent = self._monotonic() - self._answered_at
        return f"the store has not answered for {silent:.0f} s" if silent > LATELY else ""

    def _unlooked(self) -> float:
        """Give the seconds without a look; who only starts, stops, or has no room needs none."""
        if self._looked_at is None or self._stopping or not self._has_room():
            return 0.0
        return self._monotonic() - self._looked_at
