"""
Counts what a worker does that runs beside the API, under the names that workers have for it.

What it is told of is counted; what a worker of its own measures around its store and its quotas is
not (``docs/metrics.md``).
"""

from datetime import timedelta
from typing import Final

from cronicorn_domain.identity import Token
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import Blocked, Failed, Outcome, Succeeded
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_scheduler.observing import (
    EndpointHealed,
    EndpointQuarantined,
    Event,
    HistoryPruned,
    LeaseWasLost,
    Observer,
    PartFailed,
    ResultDropped,
    RunAbandoned,
    RunBroken,
    RunClaimed,
    RunReaped,
    RunReleased,
    RunSettled,
    RunStarted,
    SlotsPassed,
    StoreWentAway,
)
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENESS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_REQUEST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class CountedWork:
    """Counts events behind another observer, which hears of each first."""

    def __init__(self, observer: Observer, registry: CollectorRegistry) -> None:
        self._observer = observer
        self._registry = registry
        self._runs = self._counter("runs", "Settled runs.", "outcome", "source")
        self._lost = self._counter(
            "runs_lost", "Runs whose lease was lost, or left to the reaper.", "reason"
        )
        self._broken = self._counter("runs_broken", "Faults of ours in one run.")
        self._reaped = self._counter(
            "leases_reaped", "Leases of lost workers that this one took away.", "started"
        )
        self._outages = self._counter("store_outages", "Outages of the store that were met.")
        self._made_up_for = self._counter(
            "runs_made_up_for", "Starts of slots that had been missed by more than their grace."
        )
        self._released = self._counter(
            "runs_released", "Claims that were given back; nothing was sent.", "reason"
        )
        self._passed = self._counter(
            "slots_passed", "Due endpoints that claims replanned, skipped or set aside."
        )
        self._quarantined = self._counter("quarantined", "Endpoints that were set aside.")
        self._healed = self._counter("healed", "Endpoints that came out of quarantine.")
        self._pruned = self._counter("pruned", "Rows of history that were deleted.", "kind")
        self._parts_failed = self._counter("parts_failed", "Faults of ours in one loop.", "part")
        self._held: set[Token] = set()
        Gauge(
            "cronicorn_runs_in_hand", "Runs from claim to settled result.", registry=registry
        ).set_function(self._held.__len__)
        self._seconds = self._histogram(
            "request_seconds", "How long requests took, of settled runs.", _REQUEST
        )
        self._lateness = self._histogram(
            "lateness_seconds", "Starts against their due instants, if in time.", _LATENESS
        )

    def record(self, event: Event) -> None:
        """Pass the event on, and count it."""
        self._observer.record(event)
        match event:
            case RunClaimed(run=run):
                self._held.add(run.lease.token)
            case RunSettled(run=run, settlement=settlement, duration=duration):
                self._held.discard(run.lease.token)
                source = run.plan.decision.source.value
                self._runs.labels(_kind(settlement.outcome), source).inc()
                self._seconds.observe(duration.total_seconds())
            case RunStarted(run=run, started_at=started_at):
                self._note_start(run, started_at - run.plan.decision.due_at)
            case RunReleased(run=run, reason=reason):
                self._held.discard(run.lease.token)
                self._released.labels(reason.value).inc()
            case LeaseWasLost(run=run) | RunAbandoned(run=run) | ResultDropped(run=run):
                self._held.discard(run.lease.token)
                self._lost.labels(event.name).inc()
            case RunBroken(run=run):
                # In sending it is settled after this; then dropping it once more does nothing.
                self._held.discard(run.lease.token)
                self._broken.inc()
            case _:
                self._count_rare(event)

    def _count_rare(self, event: Event) -> None:
        match event:
            case RunReaped(reaped=reaped):
                self._reaped.labels("no" if reaped.given_back else "yes").inc()
            case SlotsPassed(count=count):
                self._passed.inc(count)
            case EndpointQuarantined():
                self._quarantined.inc()
            case EndpointHealed():
                self._healed.inc()
            case HistoryPruned(runs=runs, slot_records=slot_records):
                self._pruned.labels("runs").inc(runs)
                self._pruned.labels("slot_records").inc(slot_records)
            case StoreWentAway():
                self._outages.inc()
            case PartFailed(part=part):
                self._parts_failed.labels(part).inc()
            case _:
                pass

    def _note_start(self, run: ClaimedRun, late: timedelta) -> None:
        """Note how late a run is; of a slot that had been missed that would say nothing."""
        missed = late > run.endpoint.misfire.grace
        if missed or run.plan.decision.source is Source.CATCH_UP:
            self._made_up_for.inc()
        else:
            self._lateness.observe(max(0.0, late.total_seconds()))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"cronicorn_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"cronicorn_{name}", meaning, buckets=buckets, registry=self._registry)


def _kind(outcome: Outcome) -> str:
    match outcome:
        case Succeeded():
            return "success"
        case Blocked():
            return "blocked"
        case Failed(kind=kind):
            return kind.value
