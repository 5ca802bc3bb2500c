"""Makes room for history, and gives back at once what whole days of it took."""

from datetime import datetime
from typing import Protocol


class HistoryRoom(Protocol):
    """
    The room that runs and their bodies are kept in, for stores that divide it by the day of slots.

    Promises:

    - Nothing depends on it: a run whose day has no room of its own is kept all the same.
    - Each call is lasting by itself, and waits for a lock only so long that no claim behind it is
      late. What cannot be had in that time is left for the next call.
    """

    async def prepare(self, *, until: datetime, now: datetime) -> int:
        """
        Make room for the days from ``now`` to ``until``, and return how many of them are new.

        Raises:
            StoreRefused: the store is not allowed to make any.
        """
        ...

    async def clear(self, *, before: datetime) -> int:
        """
        Delete the days that lie wholly before an instant, and return how many there were.

        A day on which something still runs stays.

        Raises:
            StoreRefused: the store is not allowed to delete any.
        """
        ...
