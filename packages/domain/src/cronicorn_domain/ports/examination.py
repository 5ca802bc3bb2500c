"""What a doctor has to see of a live store, and the one thing that it may do to it."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cronicorn_domain.identity import EndpointId, JobId, RunId, Token, WorkerId
from cronicorn_domain.model.state import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueSlot:
    """
    An endpoint that could be claimed since ``due_at``, and that nobody has a lease on.

    ``lane`` is where it waits for room since then, if caps hold it back.
    """

    endpoint_id: EndpointId
    name: str
    due_at: datetime
    lane: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """A lease, and when its worker told of itself last; None: it is not known, or has left."""

    token: Token
    endpoint_id: EndpointId
    worker: WorkerId
    until: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueAnalysis:
    """An endpoint that the AI planner could look at since ``due_at``, and nobody does."""

    endpoint_id: EndpointId
    name: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAnalysis:
    """A look that is under way, until when at most, and when its worker told of itself last."""

    endpoint_id: EndpointId
    name: str
    worker: WorkerId
    until: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run that is written as running, and that no lease belongs to."""

    run_id: RunId
    endpoint_id: EndpointId
    slot: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Miscount:
    """A minute of an endpoint in whose statistics more or fewer runs are than have ended."""

    endpoint_id: EndpointId
    minute: datetime
    ended: int
    counted: int


class Summed(StrEnum):
    """Which sums of a job were compared, and with what."""

    HOUR_WITH_MINUTES = "hour with minutes"
    DAY_WITH_HOURS = "day with hours"
    DAY_WITH_ENDPOINTS = "day with endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongSum:
    """
    A sum of a job's runs of one outcome and source that is not what its parts come to.

    Attributes:
        job_id: Whose.
        summed: Which sum, and of what.
        begins_at: When its hour or day begins.
        kept: How many runs the sum has.
        parts: How many there are in what it adds up.
    """

    job_id: JobId
    summed: Summed
    begins_at: datetime
    kept: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedPlace:
    """
    An endpoint's place in the queue, as it is written there.

    Attributes:
        since: From when it can be claimed; what waits in a lane could be since its slot.
        slot: The slot of the plan that fires next.
        host: Where its request goes.
        lane: Where it waits for room, if caps hold it back.
        up_to_date: Whether it was written with the state that its endpoint has now.
    """

    since: datetime
    slot: datetime
    host: str
    lane: str | None = None
    up_to_date: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedEndpoint:
    """
    One endpoint, all of it read at one instant.

    Attributes:
        endpoint_id: Which one.
        situation: What the governor weighs; None where it cannot be read.
        unreadable: Why it cannot, or None.
        place: The place in the queue that it knows of, or None where it has none.
        occurrences: How many of its occurrences have ended in the stretch that was asked about,
            those by hand left out.
        succeeded_last: Whether the newest of its runs there was a success; None: there is none.
    """

    endpoint_id: EndpointId
    situation: Situation | None
    unreadable: str | None
    place: QueuedPlace | None
    occurrences: int = 0
    succeeded_last: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayEntry:
    """
    A place in the queue that its endpoint does not know of: no claim can use it.

    ``lane`` is set where it waits for room; ``due_at`` is then an instant beyond all others.
    """

    endpoint_id: EndpointId
    due_at: datetime
    lane: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTransaction:
    """Somebody's transaction that has been open for long."""

    process: str
    state: str
    age: timedelta


class Examination(Protocol):
    """
    Reads a live store for its doctor.

    Promises:

    - Nothing but ``replan`` and ``take_out`` writes, nothing else takes a lock that a worker could
      wait for, and no statement reads more than a batch or a stretch of history.
    - What belongs together is read at one instant, so that a store at work shows no contradiction
      that is none.
    - ``limit`` bounds what comes back, not what is looked at.
    """

    async def overdue(self, *, before: datetime, limit: int) -> Sequence[OverdueSlot]:
        """
        Return what has been due since before an instant, the longest overdue first.

        What waits in a lane has been since its plan said so.
        """
        ...

    async def leases(self, *, limit: int) -> Sequence[HeldLease]:
        """Return the leases, those that end first in front."""
        ...

    async def overdue_analyses(self, *, before: datetime, limit: int) -> Sequence[OverdueAnalysis]:
        """
        Return what the AI planner could have looked at since before an instant.

        Where somebody had it whose time ran out, it could since then. The first due come in front.
        """
        ...

    async def held_analyses(self, *, now: datetime, limit: int) -> Sequence[HeldAnalysis]:
        """Return the looks that are under way, those that end first in front."""
        ...

    async def runs_left_open(
        self, *, since: datetime, until: datetime, limit: int
    ) -> Sequence[OpenRun]:
        """Return the runs of slots in a stretch that are open without a lease."""
        ...

    async def miscounts(
        self, *, since: datetime, until: datetime, limit: int
    ) -> Sequence[Miscount]:
        """Compare statistics with runs, of slots in a stretch that is counted by minutes."""
        ...

    async def wrong_sums(
        self, *, since: datetime, until: datetime, limit: int
    ) -> Sequence[WrongSum]:
        """
        Compare the hours and days of jobs with what they add up, from the hour of ``since`` on.

        Hours are compared up to that of ``until``, days with it. An hour that is not closed yet is
        in no sum, nor is what ended late before it is added to its hour.
        """
        ...

    def endpoints(
        self, *, since: datetime, batch: int
    ) -> AsyncIterator[Sequence[ExaminedEndpoint]]:
        """Walk through all endpoints that are not archived; their runs count from ``since`` on."""
        ...

    async def strays(self, *, limit: int) -> Sequence[StrayEntry]:
        """Return places in the queue that their endpoints do not know of."""
        ...

    async def old_transactions(self, *, age: timedelta) -> Sequence[OldTransaction]:
        """Return transactions that keep the store from tidying up, the oldest first."""
        ...

    async def missing_days(self, *, until: datetime, now: datetime) -> Sequence[date]:
        """Return the days from ``now`` to ``until`` that have no room of their own."""
        ...

    async def replan(self, endpoint_ids: Collection[EndpointId], *, now: datetime) -> int:
        """
        Plan endpoints anew from what is stored, and make the queue say so; return how many changed.

        One whose place is right keeps it, in a lane, too. One that is leased is left to the end of
        its run, one that cannot be read to ``EndpointQueue.heal_quarantined``.
        """
        ...

    async def take_out(self, strays: Collection[StrayEntry]) -> None:
        """
        Take places out of the queue, as far as their endpoints still do not know of them.

        What a claim has at this moment is left to it.
        """
        ...
