"""Sends spans over OTLP, to where OpenTelemetry's own variables say."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from cronicorn_domain.ports.clock import Clock
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from cronicorn_worker.parts import Parts
from cronicorn_worker.tracing.spans import RunSpans

SENT_WITHIN: Final = timedelta(seconds=5)
"""So long the end of a worker waits for a receiver."""


@asynccontextmanager
async def traced(
    parts: Parts, clock: Clock, *, within: timedelta = SENT_WITHIN
) -> AsyncIterator[Parts]:
    """
    Give the parts with traces of their runs; what is left to send is sent after the block.

    Spans go in batches, from a thread of their own; what the receiver does not take is dropped, and
    so is what it has not taken ``within`` the time after the block.
    """
    processor = BatchSpanProcessor(OTLPSpanExporter(timeout=5))
    try:
        yield replace(parts, observer=RunSpans(parts.observer, processor, clock))
    finally:
        await _shut_down(processor, within)


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
