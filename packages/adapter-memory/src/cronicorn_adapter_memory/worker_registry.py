"""The registry of workers in memory."""

from collections.abc import Sequence
from datetime import datetime

from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.worker import Worker

from cronicorn_adapter_memory.store import MemoryStore


class MemoryWorkerRegistry:
    """What the workers over one store told of themselves."""

    def __init__(self, store: MemoryStore) -> None:
        self._workers = store.workers

    async def announce(self, worker: Worker) -> None:
        """Keep what a worker tells of itself."""
        self._workers[worker.name] = worker

    async def leave(self, name: WorkerId) -> None:
        """Forget a worker."""
        self._workers.pop(name, None)

    async def forget(self, *, unseen_since: datetime) -> int:
        """Forget the workers last seen before an instant."""
        gone = [name for name, each in self._workers.items() if each.seen_at < unseen_since]
        for name in gone:
            del self._workers[name]
        return len(gone)

    async def list_workers(self) -> Sequence[Worker]:
        """Return the workers in the order of their names."""
        return sorted(self._workers.values(), key=lambda worker: worker.name)
