"""
A trace for each run: from its claim to its settled result.

The trace and its first span have the ids that the request's ``traceparent`` carries, which are made
of the run's id. So what the target traces of the request hangs below that span, without anything
that has to be handed from here to there. A run that somebody asked for within a trace of theirs is
in that one, below the span of who asked.

Spans are made when a run has ended, out of what is known then: a run that is under way costs
nothing. They tell ids and outcomes, and nothing that was sent.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.identity import Token
from cronicorn_domain.model.run import Blocked, Failed, Outcome, Succeeded
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
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
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from cronicorn_worker.watching.outcomes import kind_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HALF: Final = (1 << 64) - 1


class RunIds(IdGenerator):
    """Gives the next trace and its first span the ids of a run; further spans have random ones."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self._run: int | None = None

    def follow(self, run_id: UUID) -> None:
        """Let the next trace be that of this run."""
        self._run = run_id.int

    def generate_span_id(self) -> int:
        """Return the run's random half, once."""
        run, self._run = self._run, None
        return self._random.generate_span_id() if run is None else run & _HALF

    def generate_trace_id(self) -> int:
        """Return the run's id."""
        return self._random.generate_trace_id() if self._run is None else self._run


class RunSpans:
    """Makes the spans of runs that have ended, behind another observer which hears first."""

    def __init__(self, observer: Observer, processor: SpanProcessor, clock: Clock) -> None:
        self._observer = observer
        self._clock = clock
        self._ids = RunIds()
        provider = TracerProvider(id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("cronicorn")
        self._claimed: dict[Token, datetime] = {}

    def record(self, event: Event) -> None:
        """Pass the event on, and make the spans of a run that it ends."""
        self._observer.record(event)
        match event:
            case RunClaimed(run=run):
                self._claimed[run.lease.token] = self._clock.now()
            case RunSettled():
                self._tell_settled(event)
            case RunReleased(run=run):
                self._claimed.pop(run.lease.token, None)
            case LeaseWasLost(run=run) | RunAbandoned(run=run) | ResultDropped(run=run):
                self._tell_lost(run, event.name)
            case RunBroken(run=run):
                self._claimed.pop(run.lease.token, None)  # it may be settled yet, or never
            case _:
                pass

    def _tell_settled(self, event: RunSettled) -> None:
        settlement = event.settlement
        now = self._clock.now()
        claimed = self._claimed.pop(event.run.lease.token, settlement.started_at)
        # The clock may have been set back meanwhile: no span ends before it begins.
        starts = (claimed, settlement.started_at, settlement.ended_at, now)
        ordered = [_nanoseconds(max(starts[: n + 1])) for n in range(len(starts))]
        root = self._begin(event.run, ordered[0])
        root.set_attribute("cronicorn.outcome", kind_of(settlement.outcome).value)
        status_code = _status_code(settlement.outcome)
        below = set_span_in_context(root, Context())
        for name, began, ended in zip(
            ("claim", "request", "settle"), ordered, ordered[1:], strict=False
        ):
            kind = SpanKind.CLIENT if name == "request" else SpanKind.INTERNAL
            span = self._tracer.start_span(name, below, kind=kind, start_time=began)
            if name == "request" and status_code is not None:
                span.set_attribute("http.response.status_code", status_code)
            span.end(ended)
        if not isinstance(settlement.outcome, Succeeded):
            root.set_status(Status(StatusCode.ERROR, kind_of(settlement.outcome).value))
        root.end(ordered[-1])

    def _tell_lost(self, run: ClaimedRun, why: str) -> None:
        now = self._clock.now()
        claimed = self._claimed.pop(run.lease.token, now)
        root = self._begin(run, _nanoseconds(claimed))
        root.set_status(Status(StatusCode.ERROR, why))
        root.end(_nanoseconds(max(claimed, now)))

    def _begin(self, run: ClaimedRun, at: int) -> Span:
        self._ids.follow(run.lease.run_id)
        return self._tracer.start_span(
            "run",
            _within(run.plan.trace),
            start_time=at,
            attributes={
                "cronicorn.run_id": str(run.lease.run_id),
                "cronicorn.endpoint_id": str(run.endpoint.id),
                "cronicorn.source": run.plan.decision.source.value,
                "cronicorn.attempt": run.plan.attempt,
            },
        )


def _within(trace: Trace | None) -> Context:
    if trace is None:
        return Context()
    asked = SpanContext(
        trace_id=int(trace.id, 16),
        span_id=int(trace.span, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(trace.sampled)),
    )
    return set_span_in_context(NonRecordingSpan(asked), Context())


def _status_code(outcome: Outcome) -> int | None:
    match outcome:
        case Succeeded(response=response):
            return response.status_code
        case Failed(response=response):
            return None if response is None else response.status_code
        case Blocked():
            return None


def _nanoseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND * 1000
