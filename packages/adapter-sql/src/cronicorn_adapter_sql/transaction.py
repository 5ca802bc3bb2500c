"""A transaction over endpoints: lock, read, apply what the domain decides, write, wake."""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.alert import Happening
from cronicorn_domain.model.rulings import SiblingTrigger
from cronicorn_domain.model.slot_record import Fate
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.changes import Brought, Changes
from cronicorn_adapter_sql.endings import Endings
from cronicorn_adapter_sql.engine import begin_writing
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.happenings import keep_notices
from cronicorn_adapter_sql.kept_connection import Begin
from cronicorn_adapter_sql.lower_bound import LowerBound
from cronicorn_adapter_sql.notifying import Notifying
from cronicorn_adapter_sql.noting_happenings import AskedAnalysis, note_asked, note_happenings
from cronicorn_adapter_sql.situations import ReadEndpoint, Situations, UnreadableEndpoint
from cronicorn_adapter_sql.vault import Vault
from cronicorn_adapter_sql.wakeups import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSibling:
    """An endpoint of this job that a rule wants to run once."""

    job_id: JobId
    sibling: SiblingTrigger


class Transaction:
    """
    What is read and written within one transaction; ``write`` comes once, at its end.

    ``happenings`` is what somebody may want to be told of, about endpoints that are locked.
    """

    def __init__(
        self, connection: AsyncConnection, situations: Situations, *, writes: bool = True
    ) -> None:
        self._connection = connection
        self._writes = writes
        self._situations = situations
        self.changes = Changes()
        self.endings = Endings()
        self.asked_siblings: list[AskedSibling] = []
        self.happenings: list[Happening] = []
        self.asked_analyses: list[AskedAnalysis] = []

    @property
    def connection(self) -> AsyncConnection:
        """The connection. Raises ``RuntimeError`` when the transaction is over."""
        self._check_open()
        return self._connection

    @property
    def situations(self) -> Situations:
        """What reads and locks endpoints. Raises as ``connection`` does."""
        self._check_open()
        return self._situations

    async def begin_writing(self) -> AsyncConnection:
        """
        Take the right to write, if need be, and return the connection to lock and write over.

        Raises:
            StoreUnavailable: another process has had the right for too long.
            RuntimeError: the transaction is over, or only reads.
        """
        connection = self.connection
        if not self._writes:
            raise RuntimeError("this unit of work only reads: begin one that writes")
        with translated():
            await begin_writing(connection)
        return connection

    async def locked(
        self, endpoint_ids: Collection[UUID], *, now: datetime
    ) -> list[ReadEndpoint | UnreadableEndpoint]:
        """Lock endpoints and read what they then are, in the order of their ids."""
        await self.begin_writing()
        await self.situations.lock(endpoint_ids)
        return sorted(await self.situations.read(endpoint_ids, now=now), key=lambda each: each.id)

    async def write(self) -> None:
        """Write what was collected so far, and begin to collect anew."""
        await self.endings.write(self.connection)
        await self.changes.write(self.connection)
        await keep_notices(self.connection, self.happenings)
        await note_happenings(self.connection, self.happenings)
        await note_asked(self.connection, self.asked_analyses)
        self.happenings, self.asked_analyses = [], []
        self.endings, self.changes = Endings(), Changes(self.changes.brought)

    def _check_open(self) -> None:
        if self._connection.closed:
            raise RuntimeError("this unit of work is over: begin another")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What every part of the store needs to begin a transaction."""

    engine: AsyncEngine
    vault: Vault
    floor: timedelta
    signal: Signal
    notifying: Notifying | None = None
    due_bound: LowerBound = field(default_factory=LowerBound)
    slots_recorded: Counter[Fate] = field(default_factory=Counter)

    def committed(self, brought: Brought) -> None:
        """Let claims and sleepers know what has become claimable, and when."""
        if brought.recorded:
            self.slots_recorded.update(brought.recorded)
        if brought.first is not None:
            self.due_bound.note(brought.first)
        if brought.earlier:
            self.signal.send()
        if brought.soon and self.notifying is not None:
            self.notifying.tell()

    def over(self, connection: AsyncConnection, *, writes: bool = True) -> Transaction:
        """Return a transaction over a connection that has begun one."""
        situations = Situations(connection, vault=self.vault, floor=self.floor)
        return Transaction(connection, situations, writes=writes)

    @asynccontextmanager
    async def begin(self, connected: Begin | None = None) -> AsyncIterator[Transaction]:
        """
        Begin a transaction that is written and committed at the end of the block.

        ``connected`` is where its connection comes from, if not from the pool.
        Sleepers wake up afterwards if something became claimable earlier.
        Errors leave nothing behind and come out as the domain's.
        """
        with translated():
            async with (connected or self.engine.begin)() as connection:
                transaction = self.over(connection)
                yield transaction
                await transaction.write()
        self.committed(transaction.changes.brought)
