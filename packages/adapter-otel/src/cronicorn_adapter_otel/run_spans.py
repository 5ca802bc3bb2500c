"""
A trace for each run: from its claim to its settled result.

The trace and its first span have the ids that the request's ``traceparent`` carries, which are made
of the run's id. So what the target traces of the request hangs below that span, without anything
that has to be handed from here to there. A run that somebody asked for within a trace of theirs is
in that one, below the span of who asked.

Spans are made when a run has ended, out of what is known then: a run that is under way costs
nothing. They tell ids and outcomes, and nothing that was sent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never
from uuid import UUID

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import Blocked, Failed, Outcome, Succeeded
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.dispatcher import Dispatch
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Settlement
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from cronicorn_adapter_otel.ids import Ids, within
from cronicorn_adapter_otel.instants import in_order, nanoseconds


class RunSpans:
    """Makes the spans of runs that have ended."""

    def __init__(self, tracer: Tracer, ids: Ids) -> None:
        self._tracer = tracer
        self._ids = ids

    def settled(
        self, run: ClaimedRun, settlement: Settlement, *, claimed: datetime, now: datetime
    ) -> None:
        """Tell of a run whose result the store has taken by ``now``."""
        # The clock may have been set back meanwhile: no span ends before it begins.
        ordered = in_order(claimed, settlement.started_at, settlement.ended_at, now)
        root = self._begin(run.lease.run_id, run.plan.trace, _told_of(run), ordered[0])
        for name, began, ended in zip(
            ("claim", "request", "settle"), ordered, ordered[1:], strict=False
        ):
            self._below(root, name, settlement.outcome, began, ended)
        _end(root, settlement.outcome, ordered[-1])

    def lost(self, run: ClaimedRun, why: str, *, claimed: datetime, now: datetime) -> None:
        """Tell of a run that ended without a result; ``why`` is a word that lasts."""
        root = self._begin(run.lease.run_id, run.plan.trace, _told_of(run), nanoseconds(claimed))
        root.set_status(Status(StatusCode.ERROR, why))
        root.end(nanoseconds(max(claimed, now)))

    def tried(
        self, dispatch: Dispatch, outcome: Outcome, *, began: datetime, ended: datetime
    ) -> None:
        """Tell of a request that was sent by way of trial."""
        first, last = in_order(began, ended)
        told: Mapping[str, AttributeValue] = {
            "cronicorn.run_id": str(dispatch.run_id),
            "cronicorn.endpoint_id": str(dispatch.endpoint_id),
            "cronicorn.source": Source.TEST.value,
            "cronicorn.attempt": dispatch.attempt,
        }
        root = self._begin(dispatch.run_id, dispatch.trace, told, first)
        self._below(root, "request", outcome, first, last)
        _end(root, outcome, last)

    def _begin(
        self, run_id: UUID, trace: Trace | None, told: Mapping[str, AttributeValue], at: int
    ) -> Span:
        self._ids.follow(run_id)
        return self._tracer.start_span("run", within(trace), start_time=at, attributes=told)

    def _below(self, root: Span, name: str, outcome: Outcome, began: int, ended: int) -> None:
        kind = SpanKind.CLIENT if name == "request" else SpanKind.INTERNAL
        below = set_span_in_context(root, Context())
        span = self._tracer.start_span(name, below, kind=kind, start_time=began)
        status_code = _status_code(outcome)
        if name == "request" and status_code is not None:
            span.set_attribute("http.response.status_code", status_code)
        span.end(ended)


def _end(root: Span, outcome: Outcome, at: int) -> None:
    word = _word(outcome)
    root.set_attribute("cronicorn.outcome", word)
    if not isinstance(outcome, Succeeded):
        root.set_status(Status(StatusCode.ERROR, word))
    root.end(at)


def _told_of(run: ClaimedRun) -> Mapping[str, AttributeValue]:
    return {
        "cronicorn.run_id": str(run.lease.run_id),
        "cronicorn.endpoint_id": str(run.endpoint.id),
        "cronicorn.source": run.plan.decision.source.value,
        "cronicorn.attempt": run.plan.attempt,
    }


def _word(outcome: Outcome) -> str:
    match outcome:
        case Succeeded():
            return "success"
        case Blocked():
            return "blocked"
        case Failed(kind=kind):
            return kind.value
        case _:
            assert_never(outcome)


def _status_code(outcome: Outcome) -> int | None:
    match outcome:
        case Succeeded(response=response):
            return response.status_code
        case Failed(response=response):
            return None if response is None else response.status_code
        case Blocked():
            return None
