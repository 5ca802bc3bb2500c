"""Wakes a waiting worker when something may have become due earlier."""

from datetime import timedelta
from typing import Final, Protocol

LOOK_WITHIN: Final = timedelta(seconds=10)
"""Whoever waits looks at the queue again after so long at the latest."""


class Wakeups(Protocol):
    """
    A signal that the queue may hold something earlier than was known.

    Promises:

    - A change that brings a slot earlier ends every ``wait`` that began before it, and also the
      next one after the last ``arm``: no change between arming and waiting is missed.
    - Changes of another process do the same where its signals can be heard. One that brings a slot
      no nearer than ``LOOK_WITHIN`` need not be told, nor many one by one: they may come together.
    - Whoever could not hear for a while is woken when it hears again, as it may have missed one.
    - A signal may come without a change, and from another process late or never: polling alone must
      be correct.
    """

    def arm(self) -> None:
        """Forget the signals up to now; call it before looking at the queue."""
        ...

    async def wait(self) -> None:
        """Return when a signal has come since the last ``arm``; at once if it already has."""
        ...
