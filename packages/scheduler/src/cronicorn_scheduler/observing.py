"""
What a scheduler tells about its work: events whose names last.

run_claimed ── run_started ── run_settled
     │              ├──────── lease_lost           the request is cancelled, nothing is settled
     │              ├──────── run_abandoned        the grace of a drain is over
     │              └──────── result_dropped       the store stayed away until the end
     └── run_released                              nothing was sent
run_broken                                         an error of ours in one run
run_reaped, slots_passed, endpoint_quarantined, endpoint_healed, history_pruned
endpoint_withheld                                  once for an endpoint, until it runs here
store_unavailable, store_recovered                 once per outage, whoever meets it
part_failed                                        an error of ours in one loop
scheduler_started, scheduler_draining, scheduler_stopped
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol

from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import EndpointId, WorkerId
from cronicorn_domain.model.alert import Notice
from cronicorn_domain.model.decision import Source
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Deferral, Reaped, Settlement


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class RunClaimed:
    """A due endpoint was leased."""

    name: ClassVar[str] = "run_claimed"
    run: ClaimedRun


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The last check allowed it; the request goes out now."""

    name: ClassVar[str] = "run_started"
    run: ClaimedRun
    started_at: datetime

    @property
    def lateness(self) -> timedelta:
        """How long after it was due the request goes out."""
        return self.started_at - self.run.plan.decision.due_at

    @property
    def made_up_for(self) -> bool:
        """Whether its slot had been missed; how late it is says nothing about our own haste."""
        missed = self.lateness > self.run.endpoint.misfire.grace
        return missed or self.run.plan.decision.source is Source.CATCH_UP


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettled:
    """The store has taken the result and planned what follows."""

    name: ClassVar[str] = "run_settled"
    run: ClaimedRun
    settlement: Settlement

    @property
    def lateness(self) -> timedelta:
        """How long after it was due the request went out."""
        return self.settlement.started_at - self.run.plan.decision.due_at

    @property
    def duration(self) -> timedelta:
        """How long the request took."""
        return self.settlement.ended_at - self.settlement.started_at


class ReleaseReason(StrEnum):
    """Why a claim was undone."""

    PAUSED = "paused"
    ARCHIVED = "archived"
    STOPPING = "stopping"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReleased:
    """A claim was undone; nothing was sent. ``deferral`` says until when it was put off, if so."""

    name: ClassVar[str] = "run_released"
    run: ClaimedRun
    reason: ReleaseReason
    deferral: Deferral | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseWasLost:
    """
    The lease is no longer ours: as a rule the reaper took it. A request under way was cancelled.

    Where a settle's answer was lost in an outage it may also mean that the store has the result:
    the run's row knows.
    """

    name: ClassVar[str] = "lease_lost"
    run: ClaimedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAbandoned:
    """
    The scheduler stopped before the run was over.

    A request under way was cancelled; its lease, and that of a run which could not be released, is
    left to the reaper.
    """

    name: ClassVar[str] = "run_abandoned"
    run: ClaimedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultDropped:
    """The store took no result until the scheduler had to stop; the lease is left to the reaper."""

    name: ClassVar[str] = "result_dropped"
    run: ClaimedRun
    settlement: Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBroken:
    """
    An error of ours in one run.

    In sending it is settled as our failure; elsewhere the lease is left to the reaper.
    """

    name: ClassVar[str] = "run_broken"
    run: ClaimedRun
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReaped:
    """A lease had ended, of whichever worker, and was taken away."""

    name: ClassVar[str] = "run_reaped"
    reaped: Reaped


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsPassed:
    """Due endpoints got no lease: replanned, skipped by the misfire policy or set aside."""

    name: ClassVar[str] = "slots_passed"
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointQuarantined:
    """A stored schedule could not be read; its endpoint was set aside."""

    name: ClassVar[str] = "endpoint_quarantined"
    endpoint_id: EndpointId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointWithheld:
    """This worker has no key to an endpoint's secrets: it is left to workers that have."""

    name: ClassVar[str] = "endpoint_withheld"
    endpoint_id: EndpointId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHealed:
    """A quarantined endpoint can be read after all and is planned again."""

    name: ClassVar[str] = "endpoint_healed"
    endpoint_id: EndpointId


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPruned:
    """One step of pruning deleted something."""

    name: ClassVar[str] = "history_pruned"
    runs: int
    slot_records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreWentAway:
    """The store does not answer. Everything that needs it is tried again until it does."""

    name: ClassVar[str] = "store_unavailable"
    part: str
    error: StoreUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecovered:
    """Every part that had met the outage was answered again."""

    name: ClassVar[str] = "store_recovered"
    lasted: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFailed:
    """A loop met an error of ours; it begins anew unless it has failed too often in a row."""

    name: ClassVar[str] = "part_failed"
    part: str
    error: Exception
    in_a_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTold:
    """Somebody was told of something."""

    name: ClassVar[str] = "notice_told"
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeNotTold:
    """Somebody could not be told; it is tried again, unless it is given up."""

    name: ClassVar[str] = "notice_not_told"
    notice: Notice
    reason: str
    tries: int
    given_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStarted:
    """The loops have begun."""

    name: ClassVar[str] = "scheduler_started"
    worker: WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerDraining:
    """Nothing is claimed any more; ``held`` runs are still in hand."""

    name: ClassVar[str] = "scheduler_draining"
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStopped:
    """It is over: nothing of it runs any more."""

    name: ClassVar[str] = "scheduler_stopped"
    worker: WorkerId


Event = (
    RunClaimed
    | RunStarted
    | RunSettled
    | RunReleased
    | LeaseWasLost
    | RunAbandoned
    | ResultDropped
    | RunBroken
    | RunReaped
    | SlotsPassed
    | EndpointQuarantined
    | EndpointWithheld
    | EndpointHealed
    | HistoryPruned
    | StoreWentAway
    | StoreRecovered
    | PartFailed
    | NoticeTold
    | NoticeNotTold
    | SchedulerStarted
    | SchedulerDraining
    | SchedulerStopped
)


class Observer(Protocol):
    """Hears of everything, in order, on the scheduler's own loop."""

    def record(self, event: Event) -> None:
        """Take note of an event, quickly and without waiting."""
        ...


class SilentObserver:
    """Takes note of nothing."""

    def record(self, event: Event) -> None:
        """Forget the event."""


class ShieldedObserver:
    """Keeps an observer's errors from the work it observes; they go to the loop's own handler."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def record(self, event: Event) -> None:
        """Pass the event on."""
        try:
            self._observer.record(event)
        except Exception as error:  # noqa: BLE001  whatever it is, the runs are not to blame
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"the observer failed on {event.name}", "exception": error}
            )
