"""Gives spans the ids that requests carry, and joins them to traces that others began."""

from typing import Final
from uuid import UUID

from cronicorn_domain.model.trace import Trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

_HALF: Final = (1 << 64) - 1


class Ids(IdGenerator):
    """Gives the next trace and its first span the ids of a run; all others have random ones."""

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


def within(trace: Trace | None) -> Context:
    """Return where a span begins: below that of who asked, or a trace of its own."""
    if trace is None:
        return Context()
    asked = SpanContext(
        trace_id=int(trace.id, 16),
        span_id=int(trace.span, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(trace.sampled)),
    )
    return set_span_in_context(NonRecordingSpan(asked), Context())
