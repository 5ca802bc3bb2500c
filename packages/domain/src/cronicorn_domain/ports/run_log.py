"""Keeps the history: runs, the slots that were not run, and the statistics of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """
    What came of an endpoint's runs in a window. Runs whose slot was retried count once per attempt.

    ``mean_duration`` is over settled runs that were attempted; None when there were none. Likewise
    ``median_duration`` and ``p95_duration``, which are a tenth more or less (see ``durations``).
    Lateness is the start against ``due_at``.
    """

    success_count: int = 0
    target_failure_count: int = 0
    our_failure_count: int = 0
    not_attempted_count: int = 0
    mean_duration: timedelta | None = None
    median_duration: timedelta | None = None
    p95_duration: timedelta | None = None
    mean_lateness: timedelta | None = None
    failure_streak: int = 0
    last_run: Run | None = None


ROLL_UPS_KEPT: Final = {
    "minute": timedelta(days=2),
    "hour": timedelta(days=60),
    "day": timedelta(days=800),
}
"""For how long after their slots runs are counted by minutes, by hours and by days."""

HELD_FOR: Final = timedelta(days=1)
"""So long a hint or trigger that is over is kept at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """
    How much history one pruning step deleted; of ``roll_ups`` also what was added to longer ones.
    """

    runs: int = 0
    slot_records: int = 0
    hints: int = 0
    triggers: int = 0
    roll_ups: int = 0
    breakers: int = 0

    @property
    def most(self) -> int:
        """The largest of the numbers: below the limit of a step nothing is left to delete."""
        return max(
            self.runs,
            self.slot_records,
            self.hints,
            self.triggers,
            self.roll_ups,
            self.breakers,
        )


class RunLog(Protocol):
    """
    The history of all endpoints; takes part in the caller's unit of work.

    The queue writes it, but for test runs.

    Promises:

    - (endpoint, slot, attempt) is unique.
    - Deleting history changes no plan and no usage.
    - Another tenant's run or endpoint is ``NotFound``.
    """

    async def get(self, tenant: TenantId, run_id: RunId) -> Run:
        """Return the run with its response body. Raises ``NotFound``."""
        ...

    async def add_test(self, run: Run) -> None:
        """
        Keep a test run, which has ended; its slot is no instant on which anything is planned.

        No plan, no statistics and no health know of it. One whose slot is taken is left out.
        Raises ``NotFound`` for another tenant's endpoint.
        """
        ...

    async def list_runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 100,
        offset: int = 0,
        before: RunId | None = None,
        status: RunStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        tests: bool = True,
        bodies: bool = False,
    ) -> Sequence[Run]:
        """
        Return runs, the newest slot first, of one slot the latest attempt.

        Bodies are left out, and headers may be, unless ``bodies`` asks for both.

        With ``before`` those that come behind that run of the endpoint, in this order; none, if it
        has no such run. ``offset`` of them are passed over. Their slots lie from ``since`` to
        ``until``, both within. Without ``tests`` test runs are left out.
        """
        ...

    async def count_runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        status: RunStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """
        Return how many runs ``list_runs`` has in all: each attempt that is still kept.

        Running and test runs are among them, pruned ones are not.
        """
        ...

    async def list_slot_records(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 100,
        before: datetime | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[SlotRecord]:
        """
        Return what was not run, the newest slot first; with ``before`` what ended before that.

        Of records that reach from ``since`` to ``until``, both within, any part is enough.
        """
        ...

    async def health(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, now: datetime
    ) -> Health:
        """
        Return the statistics of slots from ``since`` (to the minute) on; test runs not counted.
        """
        ...

    async def prune(
        self, *, before: datetime | None, limit: int, now: datetime, most: int | None = None
    ) -> Pruned:
        """
        Delete history, up to ``limit`` of each kind; fewer of each mean that it is done.

        Deleted are settled runs and slot records of slots before ``before`` (None: of no age), and
        hints and triggers that were over by then, a day ago at least: a release may bring back what
        a claim consumed. With ``most`` each tenant keeps its newest so many runs, with those of the
        same slot as the last of them, and no more; and as many slot records, by their last slots.
        Bodies go with their runs; running ones stay. A store that divides history by days may leave
        the last of them for ``HistoryRoom.clear``. A host whose last failure is ``FORGOTTEN_AFTER``
        ago (see ``Breaker``) is forgotten.

        Statistics outlive the runs, as long as ``ROLL_UPS_KEPT`` says: minutes that get older are
        added up to hours, hours to days, and a window begins with the next whole one.
        """
        ...
