"""A transaction: reads what is committed, writes into a draft, and holds the store's only pen."""

from cronicorn_adapter_memory.breakers import Breakers
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.tables import Draft, Tables


class Transaction:
    """
    What the stores of one unit of work share.

    Until its first write it sees each commit of others; from then on nobody else writes.
    """

    def __init__(self, store: MemoryStore, *, writes: bool = True) -> None:
        self._store = store
        self._writes = writes
        self._draft: Draft | None = None
        self._over = False

    def read(self) -> Tables:
        """Return the tables to read from. Raises ``RuntimeError`` when the unit is over."""
        if self._over:
            raise RuntimeError("this unit of work is over: begin another")
        return self._store.tables if self._draft is None else self._draft.tables

    @property
    def breakers(self) -> Breakers:
        """What is counted of hosts; no part of the transaction: a count is what happened."""
        return self._store.breakers

    async def write(self) -> Tables:
        """Return the tables to write to, once no one else writes. Raises as ``read`` does."""
        tables = self.read()
        if not self._writes:
            raise RuntimeError("this unit of work only reads: begin one that writes")
        if self._draft is not None:
            return tables
        await self._store.writing.acquire()
        self._draft = Draft(self._store.tables)
        return self._draft.tables

    def commit(self) -> None:
        """Apply the draft and end. Raises as ``read`` does."""
        self.read()
        if self._draft is not None:
            self._draft.apply()
        self._end()

    def rollback(self) -> None:
        """Drop the draft and end; harmless when there is nothing to drop."""
        self._end()

    def _end(self) -> None:
        self._over = True
        if self._draft is not None:
            self._draft = None
            self._store.writing.release()
