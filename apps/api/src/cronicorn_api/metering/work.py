"""
Counts what a worker does that runs beside the API, under the names that workers have for it.

A worker of its own tells more (``docs/metrics.md``); this is what alarms are made of.
"""

from datetime import timedelta
from typing import Final

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import Blocked, Failed, Outcome, Succeeded
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_scheduler.observing import (
    Event,
    LeaseWasLost,
    Observer,
    ResultDropped,
    RunAbandoned,
    RunBroken,
    RunReaped,
    RunSettled,
    RunStarted,
    StoreWentAway,
)
from prometheus_client import CollectorRegistry, Counter, Histogram

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
            case RunSettled(run=run, settlement=settlement, duration=duration):
                source = run.plan.decision.source.value
                self._runs.labels(_kind(settlement.outcome), source).inc()
                self._seconds.observe(duration.total_seconds())
            case RunStarted(run=run, started_at=started_at):
                self._note_start(run, started_at - run.plan.decision.due_at)
            case LeaseWasLost() | RunAbandoned() | ResultDropped():
                self._lost.labels(event.name).inc()
            case RunBroken():
                self._broken.inc()
            case RunReaped(reaped=reaped):
                self._reaped.labels("no" if reaped.given_back else "yes").inc()
            case StoreWentAway():
                self._outages.inc()
            case _:
                pass

    def _note_start(self, run: ClaimedRun, late: timedelta) -> None:
        """Note how late a run is whose slot was not missed: of those it says nothing."""
        missed = late > run.endpoint.misfire.grace
        if not missed and run.plan.decision.source is not Source.CATCH_UP:
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
