"""
What is known of a stretch of time: the definitions, everything that was done to them, and the runs.

A history is plain data. The simulator writes one while it runs, a whole-system test collects one
from the processes it started, and one can be read from a live database. The checker judges it.

Instants are the shared clock's. ``order`` numbers commits: of two things of the same endpoint the
one with the smaller number was there first, also when both carry the same instant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cronicorn_domain.identity import EndpointId, HintId, JobId, RunId, TenantId, Token, WorkerId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.quota import NO_QUOTAS, Quotas
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import DEFAULT_FLOOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The endpoint began to exist, as ``endpoint``."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The endpoint's configuration became ``endpoint``: schedule, guardrails, bounds and so on."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The endpoint was paused; replaces an earlier pause."""

    pause: Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The endpoint's pause was ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """The endpoint was archived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The endpoint was brought back; slots that passed meanwhile are coalesced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMoved:
    """The endpoint's job entered another state."""

    state: JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class HintOffered:
    """A hint was written."""

    hint: Hint


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsCleared:
    """These hints were ended by a person."""

    hints: tuple[HintId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """A run was asked for, by hand or by a sibling."""

    trigger: Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class FailuresReset:
    """The consecutive failures were set to zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSkipped:
    """A person passed the next recurring slot over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """The endpoint and everything about it is gone."""


Deed = (
    Created
    | Edited
    | Paused
    | Resumed
    | Archived
    | Restored
    | JobMoved
    | HintOffered
    | HintsCleared
    | Triggered
    | FailuresReset
    | SlotSkipped
    | Deleted
)
"""Something that was done to an endpoint by others than its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the edit log: what was done to which endpoint, and when."""

    order: int
    at: datetime
    endpoint_id: EndpointId
    deed: Deed


class LeaseEnd(StrEnum):
    """How a lease ended."""

    SETTLED = "settled"
    RELEASED = "released"
    REAPED = "reaped"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLife:
    """
    A lease from its claim to its end.

    Attributes:
        token: The fencing token.
        order: The commit that granted it.
        granted_at: ``now`` of its claim.
        promised: Every instant it was promised to live until, the claim's first, with the ``now``
            of the promise: pairs of (said at, until).
        renewed: The commits that prolonged it, where they are known.
        started_before: What it was promised to live until when its run was started, where the order
            of commits is known: a call may come late, as of an instant long past.
        ended_at: ``now`` of what ended it, and ``end_order`` which commit it was. None: it lives.
            What ends it a second time leaves both, and is known from ``settled_orders``.
        ended_seen_at: The shared clock's time of that commit, where it was seen.
    """

    token: Token
    order: int
    endpoint_id: EndpointId
    run_id: RunId
    worker: WorkerId
    granted_at: datetime
    promised: tuple[tuple[datetime, datetime], ...]
    renewed: tuple[int, ...] = ()
    started_before: datetime | None = None
    ended_at: datetime | None = None
    end_order: int | None = None
    end: LeaseEnd | None = None
    ended_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    A request as its target, or the dispatcher's double, saw it; shared time without skew.

    ``ended_at`` is None when its worker died with it. ``order`` is that of the last commit made
    before it was sent, and ``key`` its ``Idempotency-Key``; None when that was not seen.
    """

    run_id: RunId
    endpoint_id: EndpointId
    slot: datetime
    attempt: int
    sent_at: datetime
    ended_at: datetime | None = None
    order: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Within it nothing could be claimed: every worker dead or stopped, or the store away."""

    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """
    When a worker was at work.

    Attributes:
        shifts: From when until when nothing hindered it: it ran, knew the time, and reached the
            store. Between two of them it may have done some of its work, or none.
        stops_at: When it was asked to stop; None: it never was.
        gone_at: When it had ended, in whatever way; None: it never had.
    """

    shifts: tuple[tuple[datetime, datetime], ...]
    stops_at: datetime | None = None
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """
    How workers keep what they have claimed, where it is known when each was at work.

    Attributes:
        renewed_within: A worker at work leaves no lease without a renewal for longer, sends no
            longer without one, and starts or gives back what it claims within it.
        reaped_within: So soon behind its end a lease is taken away by a worker at work.
        reaps_after: A worker must have been at work for so long before it takes any away.
        concurrency: Runs that a worker may have in hand.
    """

    renewed_within: timedelta
    reaped_within: timedelta
    reaps_after: timedelta
    concurrency: int
    attendances: Mapping[WorkerId, Attendance]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    What a database keeps of an endpoint beside its history.

    Attributes:
        seen_at: When it was read.
        last_slot: The recurring slot that was run or recorded last.
        planned: It can be claimed at some instant, or a lease lives.
        waits_until: Nothing of it may start before; ``OPEN_ENDED`` where nobody knows.
    """

    seen_at: datetime
    last_slot: datetime | None
    planned: bool
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    Everything the checker reads.

    ``leases``, ``requests`` are what was seen of them; a history without them (read from a database
    afterwards) is judged by the rest. ``settled_orders`` gives for each run the commit that
    ended it. ``lateness_allowed`` is how late a claim may be outside of ``outages`` before
    the checker calls it late; None: it does not judge that. ``patience`` is how long something that
    could be served may wait, at the end of the history or of its own life, before it is lost; None:
    what is left over is not judged. ``caps``, ``breaker`` and ``quotas``
    are those of all workers; of a breaker that is None nothing is judged.

    ``clocks_ahead`` is how far ahead of the shared time a worker's clock may be: by so much sooner
    a target may see a request. ``keeping`` tells when workers were at work; None: whether they kept
    their leases is not judged.

    Of an endpoint in ``judged_from`` nothing is judged that was claimed or recorded before, for its
    definition of then is not known: ``earlier_runs`` and ``earlier_records`` tell only what the
    rest was made from. ``kept`` is what a database tells of endpoints beside that.
    """

    begins_at: datetime
    ends_at: datetime
    entries: Sequence[Entry]
    runs: Sequence[Run]
    records: Mapping[EndpointId, Sequence[SlotRecord]]
    leases: Sequence[LeaseLife] = ()
    requests: Sequence[Request] = ()
    outages: Sequence[Outage] = ()
    floors: Mapping[TenantId, timedelta] = field(default_factory=dict)
    default_floor: timedelta = DEFAULT_FLOOR
    jobs: Mapping[JobId, JobState] = field(default_factory=dict)
    settled_orders: Mapping[RunId, int] = field(default_factory=dict)
    lateness_allowed: timedelta | None = None
    patience: timedelta | None = None
    caps: Caps = NO_CAPS
    breaker: Breaker | None = None
    quotas: Quotas = NO_QUOTAS
    clocks_ahead: timedelta = timedelta()
    keeping: Keeping | None = None
    judged_from: Mapping[EndpointId, datetime] = field(default_factory=dict)
    earlier_runs: Sequence[Run] = ()
    earlier_records: Mapping[EndpointId, Sequence[SlotRecord]] = field(default_factory=dict)
    kept: Mapping[EndpointId, Kept] = field(default_factory=dict)
