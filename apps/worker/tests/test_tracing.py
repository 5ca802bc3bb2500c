"""A trace for each run, whose ids are those that its request carried."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_otel.tracing import Tracing
from cronicorn_domain.model.run import Failed, FailureKind
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.testing.builders import EPOCH, SECOND
from cronicorn_scheduler.observing import Event, LeaseWasLost, RunClaimed, SilentObserver
from cronicorn_scheduler.tracing import TracedRuns
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode


class Traced:
    """An observer that makes spans, and where they go."""

    def __init__(self) -> None:
        self.clock = ManualClock(EPOCH)
        self._kept = InMemorySpanExporter()
        spans = Tracing(SimpleSpanProcessor(self._kept), service="cronicorn-worker").runs
        self.observer = TracedRuns(SilentObserver(), spans, self.clock)

    def of_run(self, *events: Event) -> dict[str, ReadableSpan]:
        """Record a run's events and return its spans."""
        for event in events:
            self.observer.record(event)
            self.clock.advance(4 * SECOND)
        return {span.name: span for span in self._kept.get_finished_spans()}


def ids(span: ReadableSpan) -> tuple[int, int]:
    """Return the ids of a span's trace and of itself."""
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def seconds(span: ReadableSpan) -> tuple[float, float]:
    """Return how long after the epoch a span began and ended."""
    began = int(EPOCH.timestamp()) * 10**9
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.start_time - began) / 10**9, (span.end_time - began) / 10**9


def test_the_first_span_is_the_one_that_the_request_carried(runs: Any) -> None:
    """`traceparent` is made of the run's id, and so are the trace and its first span."""
    run = runs.claimed()
    spans = Traced().of_run(RunClaimed(run=run), runs.settled(run))

    run_id = UUID(str(run.lease.run_id)).int
    assert ids(spans["run"]) == (run_id, run_id & (2**64 - 1))
    assert spans["run"].parent is None
    for name in ("claim", "request", "settle"):
        parent = spans[name].parent
        assert parent is not None
        assert parent.span_id == ids(spans["run"])[1]
        assert ids(spans[name])[0] == run_id
    assert len({ids(span)[1] for span in spans.values()}) == 4


def test_a_run_that_was_asked_for_in_a_trace_is_below_who_asked(runs: Any) -> None:
    """Its own span is the one that the request carried; what was not to be kept is not."""
    run = runs.claimed()
    asked = Trace(id="4bf92f3577b34da6a3ce929d0e0e4736", span="00f067aa0ba902b7")
    within = replace(run, plan=replace(run.plan, trace=asked))
    unkept = replace(run, plan=replace(run.plan, trace=replace(asked, sampled=False)))

    spans = Traced().of_run(RunClaimed(run=within), runs.settled(within))

    run_id = UUID(str(run.lease.run_id)).int
    assert ids(spans["run"]) == (int(asked.id, 16), run_id & (2**64 - 1))
    assert spans["run"].parent is not None
    assert spans["run"].parent.span_id == int(asked.span, 16)
    assert {ids(each)[0] for each in spans.values()} == {int(asked.id, 16)}
    assert Traced().of_run(RunClaimed(run=unkept), runs.settled(unkept)) == {}


def test_the_spans_follow_one_another(runs: Any) -> None:
    """From claim to start, to the answer, to the word of the store; together they are the run."""
    run = runs.claimed()

    spans = Traced().of_run(RunClaimed(run=run), runs.settled(run))

    assert {name: seconds(span) for name, span in spans.items()} == {
        "run": (0, 4),
        "claim": (0, 1),
        "request": (1, 3),
        "settle": (3, 4),
    }
    assert spans["request"].kind is SpanKind.CLIENT
    assert (spans["request"].attributes or {})["http.response.status_code"] == 200


def test_a_failed_and_a_lost_run_are_errors(runs: Any) -> None:
    """So that whoever looks for what went wrong finds them; a lost run is one span."""
    failed, lost = runs.claimed(), runs.claimed()
    outcome = Failed(kind=FailureKind.TIMEOUT, message="late")

    of_failed = Traced().of_run(RunClaimed(run=failed), runs.settled(failed, outcome))["run"]
    of_lost = Traced().of_run(RunClaimed(run=lost), LeaseWasLost(run=lost))

    assert (of_failed.status.status_code, of_failed.status.description) == (
        StatusCode.ERROR,
        "timeout",
    )
    assert list(of_lost) == ["run"]
    assert of_lost["run"].status.description == "lease_lost"


def test_no_span_holds_what_was_sent(every_event: list[Event]) -> None:
    """Trap T43: no secret and no URL gets into a trace, of any event there is."""
    spans = Traced().of_run(*every_event)

    text = "".join(span.to_json() for span in spans.values())
    assert "cronicorn.run_id" in text
    assert "hunter2" not in text
    assert "shop.example" not in text
