"""What is sent of calls and of trials, to whom, and how long anybody waits for that."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp import web
from cronicorn_adapter_otel.tracing import Tracing, open_tracing
from cronicorn_domain.model.run import Failed, FailureKind
from cronicorn_domain.model.session import Ending, Step
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.testing.builders import EPOCH, SECOND, a_job, an_endpoint
from cronicorn_domain.testing.dispatcher_contract import a_dispatch
from cronicorn_domain.testing.session_log_contract import a_session
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

ASKED = Trace(id="4bf92f3577b34da6a3ce929d0e0e4736", span="00f067aa0ba902b7")


class Kept:
    """A process whose spans are kept here."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.tracing = Tracing(SimpleSpanProcessor(self._kept), service="cronicorn-api")

    def spans(self) -> dict[str, ReadableSpan]:
        """Return what was kept, by name."""
        return {span.name: span for span in self._kept.get_finished_spans()}


@pytest.fixture
def kept() -> Kept:
    """Give a process whose spans are kept."""
    return Kept()


def trace_of(span: ReadableSpan) -> Trace:
    """Return where a span is."""
    assert span.context is not None
    return Trace(id=f"{span.context.trace_id:032x}", span=f"{span.context.span_id:016x}")


def test_a_call_is_below_who_calls_and_what_comes_of_it_below_the_call(kept: Kept) -> None:
    """One trace from the caller to the request that goes out."""
    call = kept.tracing.calls.begin("POST", ASKED, request_id="r-1")
    dispatch = replace(a_dispatch("http://shop.example/"), trace=call.trace)
    kept.tracing.runs.tried(
        dispatch, Failed(kind=FailureKind.TIMEOUT, message="late"), began=EPOCH, ended=EPOCH
    )
    call.end(route="/endpoints/{endpointId}/test", status=200)

    spans = kept.spans()
    server, run = spans["POST /endpoints/{endpointId}/test"], spans["run"]
    assert server.kind is SpanKind.SERVER
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == ASKED.span
    assert trace_of(server) == call.trace
    assert dict(server.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/endpoints/{endpointId}/test",
        "http.response.status_code": 200,
        "cronicorn.request_id": "r-1",
    }
    assert run.parent is not None
    assert f"{run.parent.span_id:016x}" == call.trace.span
    assert trace_of(run) == Trace(id=ASKED.id, span=f"{UUID(str(dispatch.run_id)).hex[16:]}")
    assert (run.status.status_code, run.status.description) == (StatusCode.ERROR, "timeout")
    assert spans["request"].kind is SpanKind.CLIENT
    assert {trace_of(each).id for each in spans.values()} == {ASKED.id}


def test_a_call_without_a_trace_begins_one(kept: Kept) -> None:
    """Each has one of its own; ours failing is an error, and a refusal is none."""
    for status in (503, 404):
        call = kept.tracing.calls.begin("GET", None, request_id="r")
        call.end(route=f"/{status}", status=status)

    ours, theirs = kept.spans()["GET /503"], kept.spans()["GET /404"]
    assert (ours.parent, theirs.parent) == (None, None)
    assert trace_of(ours).id != trace_of(theirs).id
    assert ours.status.status_code is StatusCode.ERROR
    assert theirs.status.status_code is StatusCode.UNSET


def test_a_session_is_a_trace_with_its_asks_and_calls(kept: Kept) -> None:
    """In their order, with tokens and endings, and nothing that was told or said."""
    at = EPOCH + SECOND
    session = replace(
        a_session(an_endpoint(a_job()), EPOCH), ending=Ending.FAILED, error="a secret"
    )
    steps = [
        Step(tool=None, began_at=EPOCH, ended_at=at, well=True),
        Step(tool="get_history", began_at=at, ended_at=at + SECOND, well=False),
    ]

    kept.tracing.sessions.ended(session, steps)

    spans = kept.spans()
    root, ask, call = spans["session"], spans["ask"], spans["call get_history"]
    assert root.parent is None
    for below in (ask, call):
        assert below.parent is not None
        assert f"{below.parent.span_id:016x}" == trace_of(root).span
    assert (ask.kind, call.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert ask.end_time == call.start_time
    assert (root.status.status_code, root.status.description) == (StatusCode.ERROR, "failed")
    assert [each.status.status_code for each in (ask, call)] == [StatusCode.UNSET, StatusCode.ERROR]
    attributes = dict(root.attributes or {})
    assert attributes["gen_ai.usage.input_tokens"] == session.tokens_in
    assert attributes["cronicorn.session_id"] == str(session.id)
    told = " ".join(each.to_json() for each in spans.values())
    for secret in (session.prompt, session.reasoning, session.cause, "a secret"):
        assert secret
        assert secret not in told


def test_what_a_caller_does_not_keep_is_not_kept_here(kept: Kept) -> None:
    """And what comes of it is told so, in the same trace."""
    unkept = Trace(id=ASKED.id, span=ASKED.span, sampled=False)

    call = kept.tracing.calls.begin("GET", unkept, request_id="r")
    call.end(route="/jobs", status=200)

    assert kept.spans() == {}
    assert (call.trace.id, call.trace.sampled) == (ASKED.id, False)


class Receiver:
    """Takes what is sent over OTLP; it answers once it is let."""

    def __init__(self) -> None:
        self.asked: list[ExportTraceServiceRequest] = []
        self.heard, self.answers = asyncio.Event(), asyncio.Event()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Take a batch."""
        assert request.path == "/v1/traces"
        self.asked.append(ExportTraceServiceRequest.FromString(await request.read()))
        self.heard.set()
        await self.answers.wait()
        return web.Response()


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """Give a receiver that the environment names."""
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/{page:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield receiver
    receiver.answers.set()
    await asyncio.to_thread(_all_threads_end)
    await runner.cleanup()


def _all_threads_end() -> None:
    for thread in threading.enumerate():
        if thread.name == "last traces":
            thread.join()


@pytest.mark.parametrize("named", [None, "shop-cron"], ids=str)
async def test_what_is_left_is_sent_at_the_end(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    """Under the process's name, unless who runs it gives another."""
    receiver.answers.set()
    if named is not None:
        monkeypatch.setenv("OTEL_SERVICE_NAME", named)

    async with open_tracing("cronicorn-api") as tracing:
        tracing.calls.begin("GET", None, request_id="r").end(route="/jobs", status=200)

    (sent,) = receiver.asked
    (told,) = sent.resource_spans
    names = {each.key: each.value.string_value for each in told.resource.attributes}
    assert names["service.name"] == (named or "cronicorn-api")
    assert [span.name for span in told.scope_spans[0].spans] == ["GET /jobs"]


async def test_a_receiver_that_never_answers_is_not_waited_for(receiver: Receiver) -> None:
    """Trap T31: a process ends without it; what it has not taken by then is not tried again."""
    async with open_tracing("cronicorn-api", within=timedelta(milliseconds=50)) as tracing:
        for _ in range(1600):  # several batches
            tracing.calls.begin("GET", None, request_id="r").end(route="/jobs", status=200)
        await receiver.heard.wait()
    requests = len(receiver.asked)

    assert requests == 1


def test_a_clock_that_was_set_back_makes_no_span_that_ends_before_it_began(kept: Kept) -> None:
    """It has no length then."""
    dispatch = a_dispatch("http://shop.example/")
    outcome = Failed(kind=FailureKind.CONNECTION, message="refused")

    kept.tracing.runs.tried(dispatch, outcome, began=EPOCH, ended=EPOCH - SECOND)

    run = kept.spans()["run"]
    assert run.start_time == run.end_time
