"""Looks at where a tenant's endpoints stand: all of them in lists, and what is at this moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from cronicorn_domain.identity import EndpointId, JobId, RunId, TenantId
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.run import OutcomeClass, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.schedules.schedule import Schedule

LATE_AFTER: Final = timedelta(seconds=10)
"""What could have been claimed so long ago, and was not, is late."""
LATENESS_STEPS: Final = tuple(
    timedelta(microseconds=round(share * 1000 * 10**decade))
    for decade in range(7)
    for share in (1, 1.5, 2, 3, 5, 7.5)
)
"""The lengths that latenesses are counted up to: 1 ms, 1.5 ms, 2 ms … 7500 s."""


_SMALL: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def name_key(text: str) -> str:
    """Make ``A`` to ``Z`` small: what texts are ordered and searched by, alike in every store."""
    return text.translate(_SMALL)


class Order(StrEnum):
    """In which order endpoints are listed; names break ties, and ids those of names."""

    NAME = "name"
    WORST = "worst"
    """Those set aside first, then the most failures in a row."""
    NEXT = "next"
    """What can be claimed soonest; what cannot be claimed comes last."""
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which endpoints are meant: those that meet all that is said. Archived ones are never.

    Attributes:
        ids: They are among these.
        job_id: They are of this job.
        text: Their name or URL holds it; ``A`` to ``Z`` are as good as ``a`` to ``z``.
        conditions: They stand under one of these.
        failing: Their latest runs failed, or did not.
        late: They are late, or are not (see ``Standing.late_by``).
        sources: What fires next was planned by one of these.
    """

    ids: frozenset[EndpointId] | None = None
    job_id: JobId | None = None
    text: str | None = None
    conditions: frozenset[Condition] | None = None
    failing: bool | None = None
    late: bool | None = None
    sources: frozenset[Source] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    An endpoint in a list, and where it stands.

    Attributes:
        schedule: None: what is stored cannot be read any more.
        state: What runs have left behind, with the plan.
        pause: Its own pause, whether it still holds or not.
        job_paused: Its job is paused.
        claimable_from: From when on it can be claimed; None: it cannot, or is under way. One that
            waits for room under a cap could have been since its slot.
        waits: It waits for room.
    """

    id: EndpointId
    job_id: JobId
    job_name: str
    name: str
    url: str
    method: str
    schedule: Schedule | None
    shortest: timedelta | None
    longest: timedelta | None
    state: EndpointState
    condition: Condition
    created_at: datetime
    pause: Pause | None = None
    job_paused: bool = False
    claimable_from: datetime | None = None
    waits: bool = False

    def late_by(self, now: datetime) -> timedelta | None:
        """Return how late it is; None: it is not."""
        if self.claimable_from is None:
            return None
        late = now - self.claimable_from
        return late if late > LATE_AFTER else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Some endpoints, and how many there are in all, counted up to a limit."""

    standings: Sequence[Standing]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestRun:
    """A run as a mark in a row of them; what is under way has not told when it started."""

    id: RunId
    slot: datetime
    status: RunStatus
    outcome_class: OutcomeClass | None
    status_code: int | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What needs somebody, the worst first; ``latest`` are the newest runs of what of it fails."""

    standings: Sequence[Standing]
    latest: Mapping[EndpointId, Sequence[LatestRun]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """
    How many unarchived endpoints a tenant's unarchived jobs have, and how many of them stand how.

    One may be counted several times: as failing and as paused, for example.
    """

    endpoints: int = 0
    failing: int = 0
    late: int = 0
    running: int = 0
    paused: int = 0
    deferred: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteTally:
    """
    The settled runs whose slots lie in a minute, which begins there.

    Attributes:
        lateness: How many started how late: by the number of the first of ``LATENESS_STEPS`` that
            is not shorter. Runs that are counted together are as late as their mean.
    """

    begins_at: datetime
    tally: Tally
    lateness: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """What came of slots: runs by the minute, the earliest first, and what was not run."""

    minutes: Sequence[MinuteTally]
    not_run: Mapping[Fate, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTogether:
    """Endpoints of one schedule that can be claimed from one minute on, which begins there."""

    begins_at: datetime
    schedule: Schedule | None
    count: int


class Board(Protocol):
    """
    Where a tenant's endpoints stand; takes part in the caller's unit of work, and writes nothing.

    Promises:

    - What is another tenant's is never found and never counted, nor is what is archived.
    - Each question is one statement, whatever the number of endpoints, and none looks through runs:
      sums are of statistics, and the latest runs of an endpoint are found from the newest on.
    - An endpoint whose schedule cannot be read is found like any other.
    """

    async def find(
        self,
        tenant: TenantId,
        which: Wanted,
        *,
        now: datetime,
        order: Order = Order.NAME,
        limit: int,
        after: EndpointId | None = None,
        count_to: int = 0,
    ) -> Found:
        """
        Return endpoints, those that come behind ``after`` in this order, and count all of them.

        None come behind an endpoint that the tenant does not have. They are counted up to
        ``count_to``: so many may be more.
        """
        ...

    async def find_ids(
        self, tenant: TenantId, which: Wanted, *, now: datetime
    ) -> Sequence[EndpointId]:
        """Return all endpoints that are meant, in the order of their ids."""
        ...

    async def latest_runs(
        self, tenant: TenantId, endpoint_ids: Collection[EndpointId], *, limit: int
    ) -> Mapping[EndpointId, Sequence[LatestRun]]:
        """Return the newest runs of each endpoint that has any, the newest first; no test runs."""
        ...

    async def counts(self, tenant: TenantId, *, now: datetime) -> Counts:
        """Count the endpoints by where they stand."""
        ...

    async def attention(
        self, tenant: TenantId, *, now: datetime, limit: int, runs: int
    ) -> Attention:
        """
        Return what needs somebody, the worst first: as ``policies.severity`` has it.

        That is what is set aside, fails, is late or was put off, unless it is paused. Of each that
        fails so many ``runs`` are told, as ``latest_runs`` tells them.
        """
        ...

    async def recent(
        self, tenant: TenantId, windows: Sequence[tuple[datetime, datetime]]
    ) -> Recent:
        """
        Return what came of the slots in some stretches of time, which do not overlap.

        Each begins with its first instant, of whole minutes, and ends before its second. Slots not
        run are those of records that ended in the last of the stretches. Test runs are not counted.
        """
        ...

    async def upcoming(self, tenant: TenantId, *, until: datetime) -> Sequence[DueTogether]:
        """Return what can be claimed before an instant, overdue or not, the earliest first."""
        ...
