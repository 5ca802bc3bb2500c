"""What the live view shows: the latest of each endpoint, without a terminal in sight."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.outcome_kind import OutcomeKind, kind_of
from cronicorn_scheduler.observing import (
    EndpointQuarantined,
    EndpointWithheld,
    Event,
    LeaseWasLost,
    PartFailed,
    ResultDropped,
    RunAbandoned,
    RunBroken,
    RunReaped,
    RunReleased,
    RunSettled,
    RunStarted,
    SchedulerDraining,
    StoreRecovered,
    StoreWentAway,
)

from cronicorn_worker.watching.log_lines import Fields, line_of
from cronicorn_worker.watching.tally import Tally

MARKS_MOST = 10
_NOTICES_MOST = 4
_REMEMBERED_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an endpoint stands in the store: its plan and why."""

    endpoint_id: EndpointId
    job: str
    name: str
    condition: Condition
    failures: int
    decision: Decision | None
    why: str


@dataclass(slots=True)
class Trace:
    """What this worker has seen of an endpoint."""

    marks: deque[OutcomeKind] = field(default_factory=lambda: deque(maxlen=MARKS_MOST))
    running: bool = False
    late: timedelta | None = None


@dataclass(slots=True)
class Board:
    """
    Everything on the live view.

    ``more``: there are endpoints that are not among the standings. ``stirred``: something happened
    since the store was last looked at.
    """

    title: str
    store: str
    began: datetime
    tally: Tally
    standings: Sequence[Standing] = ()
    more: bool = False
    phase: str = ""
    notices: deque[str] = field(default_factory=lambda: deque(maxlen=_NOTICES_MOST))
    traces: dict[EndpointId, Trace] = field(default_factory=dict)
    stirred: bool = True

    def record(self, event: Event) -> None:
        """Take note of an event."""
        self.stirred = True
        match event:
            case RunStarted(run=run, started_at=started_at):
                trace = self._trace(run.lease.endpoint_id)
                trace.running = True
                trace.late = started_at - run.plan.decision.due_at
            case RunSettled(run=run, settlement=settlement):
                self._end(run.lease.endpoint_id, kind_of(settlement.outcome))
            case LeaseWasLost(run=run) | RunAbandoned(run=run) | ResultDropped(run=run):
                self._end(run.lease.endpoint_id, OutcomeKind.ABANDONED)
            case RunReaped(reaped=reaped):
                self._end(reaped.endpoint_id, OutcomeKind.ABANDONED)
            case RunReleased(run=run):
                self._trace(run.lease.endpoint_id).running = False
            case _:
                pass
        if isinstance(event, _NOTABLE):
            line = line_of(event)
            self.notice(line.name, line.fields)

    def notice(self, name: str, fields: Fields) -> None:
        """Keep something worth reading."""
        told = ", ".join(f"{key} {value}" for key, value in fields.items())
        self.notices.append(f"{name.replace('_', ' ')}: {told}" if told else name)

    def _end(self, endpoint_id: EndpointId, kind: OutcomeKind) -> None:
        trace = self._trace(endpoint_id)
        trace.running = False
        trace.marks.append(kind)

    def _trace(self, endpoint_id: EndpointId) -> Trace:
        trace = self.traces.pop(endpoint_id, None) or Trace()
        self.traces[endpoint_id] = trace
        if len(self.traces) > _REMEMBERED_MOST:
            # The one seen longest ago comes first.
            del self.traces[next(iter(self.traces))]
        return trace


_NOTABLE = (
    StoreWentAway
    | StoreRecovered
    | PartFailed
    | RunBroken
    | EndpointQuarantined
    | EndpointWithheld
    | SchedulerDraining
)
