"""Counts what a scheduler tells, for the summary and the live view."""

from collections import Counter
from dataclasses import dataclass, field

from cronicorn_domain.identity import EndpointId
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
from cronicorn_worker.watching.outcomes import OutcomeKind, kind_of


@dataclass(slots=True)
class Tally:
    """
    The numbers of one worker's life, in bounded memory.

    Attributes:
        outcomes: Settled runs, by what came of them.
        started: Requests that went out.
        released: Claims that were given back; nothing was sent.
        lost: Requests whose lease was lost, or that were left to the reaper.
        reaped: Leases of workers that had died, taken away by this one.
        lateness: Starts against their due instants.
        quarantined: Endpoints that are set aside, with the reason.
    """

    outcomes: Counter[OutcomeKind] = field(default_factory=Counter)
    started: int = 0
    released: int = 0
    lost: int = 0
    reaped: int = 0
    lateness: Lateness = field(default_factory=Lateness)
    quarantined: dict[EndpointId, str] = field(default_factory=dict)

    @property
    def settled(self) -> int:
        """Count the runs that came to an end."""
        return self.outcomes.total()

    def record(self, event: Event) -> None:
        """Count an event."""
        match event:
            case RunStarted(run=run, started_at=started_at):
                self.started += 1
                self.lateness.add(started_at - run.plan.decision.due_at)
            case RunSettled(settlement=settlement):
                self.outcomes[kind_of(settlement.outcome)] += 1
            case RunReleased():
                self.released += 1
            case LeaseWasLost() | RunAbandoned() | ResultDropped():
                self.lost += 1
            case RunReaped():
                self.reaped += 1
            case EndpointQuarantined(endpoint_id=endpoint_id, reason=reason):
                self.quarantined[endpoint_id] = reason
            case EndpointHealed(endpoint_id=endpoint_id):
                self.quarantined.pop(endpoint_id, None)
            case _:
                pass
