"""What the API tells to whoever makes traces; nobody does unless it is asked for."""

from datetime import datetime
from typing import Final, Protocol

from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.dispatcher import Dispatch
from cronicorn_planner.sessions.tracing import SessionTraces
from cronicorn_scheduler.tracing import RunTraces

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_OTHER: Final = "_OTHER"
"""What OpenTelemetry's conventions call a method that is none of the known ones."""
_ASKED_EVER_AGAIN: Final = ("/api/health", "/health", "/api/metrics", "/metrics")
"""Probes ask these every few seconds, and nothing comes of it."""


class CallTrace(Protocol):
    """The trace of a call that is under way."""

    @property
    def trace(self) -> Trace | None:
        """Where what comes of the call goes on; None: it has a trace of its own."""
        ...

    def end(self, *, route: str | None, status: int) -> None:
        """Tell what became of the call; without a route, no route took it."""
        ...


class CallTraces(Protocol):
    """Makes traces of calls."""

    def begin(self, method: str, trace: Trace | None, *, request_id: str) -> CallTrace:
        """Begin that of one, below whoever calls."""
        ...


class TrialTraces(Protocol):
    """Makes traces of trials."""

    def tried(
        self, dispatch: Dispatch, outcome: Outcome, *, began: datetime, ended: datetime
    ) -> None:
        """Tell of one that was sent, and what came of it."""
        ...


class WorkTraces(RunTraces, TrialTraces, Protocol):
    """Makes traces of every request that goes out."""


class Tracing(Protocol):
    """Makes the traces of a process."""

    @property
    def calls(self) -> CallTraces:
        """Those of calls."""
        ...

    @property
    def runs(self) -> WorkTraces:
        """Those of what goes out."""
        ...

    @property
    def sessions(self) -> SessionTraces:
        """Those of the AI planner's sessions."""
        ...


class UntracedCall:
    """A call that nothing is kept of: what comes of it is in the caller's trace, if any."""

    def __init__(self, trace: Trace | None) -> None:
        self.trace = trace

    def end(self, *, route: str | None, status: int) -> None:
        """Tell nobody."""


def begun(
    traces: CallTraces | None, asked: Trace | None, *, method: str, path: str, request_id: str
) -> CallTrace:
    """Begin the trace of a call, unless nobody makes any, or a probe asks."""
    if traces is None or path.startswith(_ASKED_EVER_AGAIN):
        return UntracedCall(asked)
    return traces.begin(method if method in _METHODS else _OTHER, asked, request_id=request_id)
