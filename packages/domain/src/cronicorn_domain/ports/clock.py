"""Time, as the store that all workers share tells it."""

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """
    Tells and awaits instants.

    Promises:

    - ``now`` is the shared store's time: its instant at the last measurement plus the monotonic
      time since. The wall clock of the machine changes nothing. It never blocks.
    - All instants are aware and in UTC.
    """

    def now(self) -> datetime:
        """Return the present instant."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return at ``instant`` or just after, never before; at once if it has passed."""
        ...

    async def synchronize(self) -> None:
        """
        Measure the difference to the shared store's time anew.

        Raises:
            StoreUnavailable: it could not be measured. The last measurement stands.
        """
        ...

    def skew(self) -> timedelta:
        """Return how far the machine's wall clock is ahead of ``now``: for people to read only."""
        ...
