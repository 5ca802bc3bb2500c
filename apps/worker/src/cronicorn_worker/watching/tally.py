"""Counts what a scheduler tells, for the summary and the live view."""

from collections import Counter
from dataclasses import dataclass, field

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.outcome_kind import OutcomeKind, kind_of
from cronicorn_scheduler.observing import (
    EndpointHealed,
    EndpointQuarantined,
    Event,
    LeaseWasLost,
    ResultDropped,
    RunAbandoned,
    RunReaped,
    RunReleased,
    RunSettled,
    RunStarted,
)

from cronicorn_worker.watching.lateness import Lateness


@dataclass(slots=True)
class Tally:
    """
    The numbers of one worker's life, in bounded memory.

    Attributes:
        outcomes: Settled runs, by what came of them.
        started: Requests that went out.
        released: Claims that were given back; nothing was sent.
        lost: Requests whose lease was lost, or that were left to the reaper.
        abandoned: Those of the lost that this worker left behind when it stopped.
        reaped: Leases of workers that had died, taken away by this one.
        died: Processes of this worker that ended without telling what they had done.
        lateness: Starts against their due instants, as far as they were in time.
        made_up_for: Starts of slots that had been missed: later than their grace, or caught up.
        quarantined: Endpoints that are set aside, with the reason.
        planned_by: Starts, by what had planned them.
    """

    outcomes: Counter[OutcomeKind] = field(default_factory=Counter)
    started: int = 0
    released: int = 0
    lost: int = 0
    abandoned: int = 0
    reaped: int = 0
    died: int = 0
    lateness: Lateness = field(default_factory=Lateness)
    made_up_for: Lateness = field(default_factory=Lateness)
    quarantined: dict[EndpointId, str] = field(default_factory=dict)
    planned_by: Counter[Source] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        """Count the runs that came to an end."""
        return self.outcomes.total()

    def take_in(self, other: "Tally") -> None:
        """Count in what another process has done."""
        self.outcomes.update(other.outcomes)
        self.started += other.started
        self.released += other.released
        self.lost += other.lost
        self.abandoned += other.abandoned
        self.reaped += other.reaped
        self.died += other.died
        self.lateness.take_in(other.lateness)
        self.made_up_for.take_in(other.made_up_for)
        self.quarantined |= other.quarantined
        self.planned_by.update(other.planned_by)

    def record(self, event: Event) -> None:
        """Count an event."""
        match event:
            case RunStarted(run=run):
                self.started += 1
                self.planned_by[run.plan.decision.source] += 1
                (self.made_up_for if event.made_up_for else self.lateness).add(event.lateness)
            case RunSettled(settlement=settlement):
                self.outcomes[kind_of(settlement.outcome)] += 1
            case RunReleased():
                self.released += 1
            case LeaseWasLost():
                self.lost += 1
            case RunAbandoned() | ResultDropped():
                self.lost += 1
                self.abandoned += 1
            case RunReaped():
                self.reaped += 1
            case EndpointQuarantined(endpoint_id=endpoint_id, reason=reason):
                self.quarantined[endpoint_id] = reason
            case EndpointHealed(endpoint_id=endpoint_id):
                self.quarantined.pop(endpoint_id, None)
            case _:
                pass
