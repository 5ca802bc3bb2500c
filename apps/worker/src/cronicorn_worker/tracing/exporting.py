"""Sends spans over OTLP, to where OpenTelemetry's own variables say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from cronicorn_domain.ports.clock import Clock
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from cronicorn_worker.parts import Parts
from cronicorn_worker.tracing.spans import RunSpans


@asynccontextmanager
async def traced(parts: Parts, clock: Clock) -> AsyncIterator[Parts]:
    """
    Give the parts with traces of their runs; what is left to send is sent after the block.

    Spans go in batches, from a thread of their own; what the receiver does not take is dropped.
    """
    processor = BatchSpanProcessor(OTLPSpanExporter(timeout=5))
    try:
        yield replace(parts, observer=RunSpans(parts.observer, processor, clock))
    finally:
        await asyncio.to_thread(processor.shutdown)
