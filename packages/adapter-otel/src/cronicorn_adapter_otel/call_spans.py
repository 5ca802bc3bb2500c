"""
A span for each call that a server answers, below whoever called.

It tells the method, the pattern of the path and the status: no path, query, header or body, as
setup links, codes and ids of others stand in these.
"""

from cronicorn_domain.model.trace import Trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from cronicorn_adapter_otel.ids import within

_OURS = 500
_FLAG = 1


class CallSpan:
    """The span of a call that is under way."""

    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method

    @property
    def trace(self) -> Trace:
        """Where what comes of the call goes on."""
        at = self._span.get_span_context()
        return Trace(
            id=f"{at.trace_id:032x}",
            span=f"{at.span_id:016x}",
            sampled=bool(at.trace_flags & _FLAG),
        )

    def end(self, *, route: str | None, status: int) -> None:
        """Tell what became of it; without a route, no route took it."""
        if route is not None:
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= _OURS:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class CallSpans:
    """Begins the spans of calls."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, method: str, trace: Trace | None, *, request_id: str) -> CallSpan:
        """
        Begin one below who calls, or a trace of its own.

        ``method`` is a word of a closed list. A caller that does not keep its trace keeps none of
        it here: the span is not sent, and what comes of the call is told so.
        """
        told = {"http.request.method": method, "cronicorn.request_id": request_id}
        span = self._tracer.start_span(method, within(trace), kind=SpanKind.SERVER, attributes=told)
        return CallSpan(span, method)
