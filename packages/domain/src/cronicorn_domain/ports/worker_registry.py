"""Knows the workers: for people to see, and for what looks after the system."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.worker import Worker


class WorkerRegistry(Protocol):
    """
    Keeps what workers tell of themselves.

    Promises:

    - No lease, claim or plan depends on it: a worker that is not in it works all the same.
    - Each call is lasting by itself. Any of them may raise ``StoreUnavailable``.
    """

    async def announce(self, worker: Worker) -> None:
        """Keep what a worker tells of itself, in place of what it told before."""
        ...

    async def leave(self, name: WorkerId) -> None:
        """Forget a worker that stops; nothing happens if it is not known."""
        ...

    async def forget(self, *, unseen_since: datetime) -> int:
        """Forget the workers last seen before an instant, and return how many there were."""
        ...

    async def list_workers(self) -> Sequence[Worker]:
        """Return the workers in the order of their names, those that crashed included."""
        ...
