"""Wakes a waiting worker when something may have become due earlier."""

from typing import Protocol


class Wakeups(Protocol):
    """
    A signal that the queue may hold something earlier than was known.

    Promises:

    - A change that brings a slot earlier ends every ``wait`` that began before it, and also the
      next one after the last ``arm``: no change between arming and waiting is missed.
    - A signal may come without a change, and from another process late or never: polling alone must
      be correct.
    """

    def arm(self) -> None:
        """Forget the signals up to now; call it before looking at the queue."""
        ...

    async def wait(self) -> None:
        """Return when a signal has come since the last ``arm``; at once if it already has."""
        ...
