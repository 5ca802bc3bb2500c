"""
Signals that are passed on: they are told from those that are sent once more.

Whoever ends a whole group of processes (a terminal, `timeout`, a service manager) reaches a
process twice: directly, and through a parent that passes the signal on, as `uv run` and the
supervisor of `--processes` do. Such an echo must not be taken for haste: runs would be given up.
"""

from collections.abc import Callable
from typing import Final

ECHO_WITHIN: Final = 0.5
"""Seconds within which a further signal is the first one, passed on."""


class Echoes:
    """Remembers when a signal was heard, by a clock that counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heard: float | None = None

    def hear(self) -> bool:
        """Say whether this signal is meant, and not the echo of one that was."""
        now = self._clock()
        if self._heard is not None and now - self._heard < ECHO_WITHIN:
            return False
        self._heard = now
        return True
