"""The leases in this worker's hand, and how far each run has come."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from cronicorn_domain.identity import Token
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Settlement


class Stage(Enum):
    """How far a run has come."""

    CLAIMED = auto()
    STARTING = auto()
    SENDING = auto()
    SETTLING = auto()
    RELEASING = auto()


class Cut(Enum):
    """Why a run is cut short."""

    LEASE_LOST = auto()
    GRACE_OVER = auto()


@dataclass(slots=True, eq=False)
class Held:
    """One run in hand. It changes as the run proceeds; only its own task moves the stage."""

    run: ClaimedRun
    stage: Stage = Stage.CLAIMED
    cut: Cut | None = None
    settlement: Settlement | None = None
    task: asyncio.Task[None] | None = None

    @property
    def token(self) -> Token:
        """The fence that every write of this run carries."""
        return self.run.lease.token

    def cut_short(self, cut: Cut) -> None:
        """
        Cancel the run's request because its lease is lost; after the grace also its start.

        What is at the store already is not cancelled: a start or settle that has come too late
        is told so by its own answer, and one that came in time is not lost.
        """
        stages = {Stage.SENDING} if cut is Cut.LEASE_LOST else {Stage.SENDING, Stage.STARTING}
        if self.cut is None and self.task is not None and self.stage in stages:
            self.cut = cut
            self.task.cancel()

    def takes_cancellation(self) -> bool:
        """Say whether a cancellation that has just arrived is the cut, and if so take it back."""
        if self.cut is None or self.task is None:
            return False
        return self.task.uncancel() == 0


class Holdings:
    """The runs in hand, at most so many."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._held: dict[Token, Held] = {}
        self._room = asyncio.Event()
        self._some = asyncio.Event()
        self._empty = asyncio.Event()
        self._room.set()
        self._empty.set()

    @property
    def free(self) -> int:
        """How many more can be taken."""
        return self._concurrency - len(self._held)

    def __len__(self) -> int:
        """Count the runs in hand."""
        return len(self._held)

    def all(self) -> Sequence[Held]:
        """Return the runs in hand, the oldest first."""
        return tuple(self._held.values())

    def get(self, token: Token) -> Held | None:
        """Return the run with that lease if it is still in hand."""
        return self._held.get(token)

    def take(self, run: ClaimedRun) -> Held:
        """Take a claimed run into hand."""
        held = self._held[run.lease.token] = Held(run)
        self._some.set()
        self._empty.clear()
        if self.free <= 0:
            self._room.clear()
        return held

    def drop(self, held: Held) -> None:
        """Let go of a run, however it ended; its place is free."""
        self._held.pop(held.token, None)
        if self.free > 0:
            self._room.set()
        if not self._held:
            self._some.clear()
            self._empty.set()

    async def room(self) -> None:
        """Return when one more can be taken."""
        await self._room.wait()

    async def some(self) -> None:
        """Return when anything is in hand."""
        await self._some.wait()

    async def empty(self) -> None:
        """Return when nothing is in hand."""
        await self._empty.wait()
