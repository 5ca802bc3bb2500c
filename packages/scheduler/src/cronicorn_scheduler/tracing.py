"""Tells a tracer of the runs that have ended, and when each was claimed."""

from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import Token
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Settlement

from cronicorn_scheduler.observing import (
    Event,
    LeaseWasLost,
    Observer,
    ResultDropped,
    RunAbandoned,
    RunBroken,
    RunClaimed,
    RunReleased,
    RunSettled,
)


class RunTraces(Protocol):
    """Makes traces of runs; it neither waits nor fails."""

    def settled(
        self, run: ClaimedRun, settlement: Settlement, *, claimed: datetime, now: datetime
    ) -> None:
        """Tell of a run whose result the store has taken by ``now``."""
        ...

    def lost(self, run: ClaimedRun, why: str, *, claimed: datetime, now: datetime) -> None:
        """Tell of a run that ended without a result; ``why`` is an event's name."""
        ...


class TracedRuns:
    """Has runs traced behind another observer, which hears first."""

    def __init__(self, observer: Observer, traces: RunTraces, clock: Clock) -> None:
        self._observer = observer
        self._traces = traces
        self._clock = clock
        self._claimed: dict[Token, datetime] = {}

    def record(self, event: Event) -> None:
        """Pass the event on, and tell of a run that it ends."""
        self._observer.record(event)
        match event:
            case RunClaimed(run=run):
                self._claimed[run.lease.token] = self._clock.now()
            case RunSettled(run=run, settlement=settlement):
                claimed = self._claimed.pop(run.lease.token, settlement.started_at)
                self._traces.settled(run, settlement, claimed=claimed, now=self._clock.now())
            case RunReleased(run=run):
                self._claimed.pop(run.lease.token, None)
            case LeaseWasLost(run=run) | RunAbandoned(run=run) | ResultDropped(run=run):
                now = self._clock.now()
                claimed = self._claimed.pop(run.lease.token, now)
                self._traces.lost(run, event.name, claimed=claimed, now=now)
            case RunBroken(run=run):
                self._claimed.pop(run.lease.token, None)  # it may be settled yet, or never
            case _:
                pass
