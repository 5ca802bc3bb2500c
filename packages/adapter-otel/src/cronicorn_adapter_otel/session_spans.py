"""
A trace for each session of the AI planner, with its asks of the model and the tools it called.

Spans are made when a session has ended. They tell ids, the model, tokens and how it ended: nothing
that a model was told or said, and no tool's name that a model made up.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cronicorn_domain.model.session import Ending, Session, Step
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context

from cronicorn_adapter_otel.instants import in_order

_MODEL: Final = "gen_ai.request.model"
_OPERATION: Final = "gen_ai.operation.name"
_WELL: Final = frozenset({Ending.DONE, Ending.STOPPED})


class SessionSpans:
    """Makes the spans of sessions that have ended."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def ended(self, session: Session, steps: Sequence[Step]) -> None:
        """Tell of a session that is kept, and of its steps in their order."""
        began, ended = in_order(session.started_at, session.ended_at)
        root = self._tracer.start_span(
            "session",
            Context(),
            start_time=began,
            attributes={
                "cronicorn.session_id": str(session.id),
                "cronicorn.endpoint_id": str(session.endpoint_id),
                "cronicorn.ending": session.ending.value,
                "cronicorn.ai_mode": session.mode.value,
                _MODEL: session.model,
                "gen_ai.usage.input_tokens": session.tokens_in,
                "gen_ai.usage.output_tokens": session.tokens_out,
            },
        )
        for step in steps:
            self._below(set_span_in_context(root, Context()), step, session.started_at, session)
        if session.ending not in _WELL:
            root.set_status(Status(StatusCode.ERROR, session.ending.value))
        root.end(ended)

    def _below(self, root: Context, step: Step, first: datetime, session: Session) -> None:
        _, began, ended = in_order(first, step.began_at, step.ended_at)
        asks = step.tool is None
        span = self._tracer.start_span(
            "ask" if asks else f"call {step.tool}",
            root,
            kind=SpanKind.CLIENT if asks else SpanKind.INTERNAL,
            start_time=began,
            attributes={_OPERATION: "chat", _MODEL: session.model}
            if asks
            else {_OPERATION: "execute_tool", "gen_ai.tool.name": str(step.tool)},
        )
        if not step.well:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)
