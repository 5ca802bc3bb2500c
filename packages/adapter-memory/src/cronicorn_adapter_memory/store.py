"""Where everything is kept: the tables, and one writer at a time."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from cronicorn_domain.identity import Token, WorkerId, new_uuid
from cronicorn_domain.model.state import DEFAULT_FLOOR
from cronicorn_domain.model.worker import Worker

from cronicorn_adapter_memory.breakers import Breakers
from cronicorn_adapter_memory.due_rows import DueRows
from cronicorn_adapter_memory.signal import Signal
from cronicorn_adapter_memory.tables import Tables


class MemoryStore:
    """
    The data that queue, units of work and wake-ups share; it lives as long as the process.

    One event loop only. ``writing`` is held by whoever writes: a queue operation while it runs, a
    unit of work from its first write to its end. Readers do not wait and see what was committed.
    ``new_id`` names the runs: each call returns an id greater than those before.
    """

    def __init__(
        self, *, floor: timedelta = DEFAULT_FLOOR, new_id: Callable[[], UUID] = new_uuid
    ) -> None:
        self.new_id = new_id
        self.came_earlier = Signal()
        self.writing = asyncio.Lock()
        self.tables = Tables(floor=floor, due=DueRows(came_earlier=self.came_earlier.send))
        self.breakers = Breakers()
        self.workers: dict[WorkerId, Worker] = {}
        self.full_at: dict[str, datetime] = {}
        self._token = 0

    @property
    def due_rows(self) -> DueRows:
        """The due table itself."""
        assert isinstance(self.tables.due, DueRows)
        return self.tables.due

    def next_token(self) -> Token:
        """Return a fencing token greater than all before."""
        self._token += 1
        return Token(self._token)
