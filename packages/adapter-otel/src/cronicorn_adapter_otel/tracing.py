"""Sends spans over OTLP, to where OpenTelemetry's own variables say."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from cronicorn_adapter_otel.call_spans import CallSpans
from cronicorn_adapter_otel.ids import Ids
from cronicorn_adapter_otel.run_spans import RunSpans
from cronicorn_adapter_otel.session_spans import SessionSpans

SENT_WITHIN: Final = timedelta(seconds=5)
"""So long the end of a process waits for a receiver."""
_NAME: Final = "service.name"
_UNNAMED: Final = "unknown_service"


class Tracing:
    """Makes the spans of a process, from its event loop alone."""

    def __init__(self, processor: SpanProcessor, *, service: str) -> None:
        ids = Ids()
        provider = TracerProvider(
            id_generator=ids, resource=_named(service), shutdown_on_exit=False
        )
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("cronicorn")
        self.runs = RunSpans(tracer, ids)
        self.calls = CallSpans(tracer)
        self.sessions = SessionSpans(tracer)


@asynccontextmanager
async def open_tracing(service: str, *, within: timedelta = SENT_WITHIN) -> AsyncIterator[Tracing]:
    """
    Give what makes spans; what is left to send is sent after the block.

    ``service`` is its name, unless ``OTEL_SERVICE_NAME`` gives another. Spans go in batches, from a
    thread of their own; what the receiver does not take is dropped, and so is what it has not taken
    ``within`` the time after the block.
    """
    processor = BatchSpanProcessor(OTLPSpanExporter(timeout=5))
    try:
        yield Tracing(processor, service=service)
    finally:
        await _shut_down(processor, within)


def _named(service: str) -> Resource:
    """Return what is told of the process; who runs it may have named it."""
    found = Resource.create()
    if not str(found.attributes.get(_NAME, _UNNAMED)).startswith(_UNNAMED):
        return found
    return found.merge(Resource({_NAME: service}))


async def _shut_down(processor: SpanProcessor, within: timedelta) -> None:
    """
    Let it send what is left, and wait for that no longer than this.

    It would wait for half a minute itself, and an executor's thread is waited for by its loop: so
    the thread is one of ours, which ends with the process.
    """
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def shut_down() -> None:
        processor.shutdown()
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=shut_down, name="last traces", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(within.total_seconds()):
            await over.wait()
