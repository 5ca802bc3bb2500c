"""Tells a tracer of the sessions that have ended."""

from collections.abc import Sequence
from typing import Protocol

from cronicorn_domain.model.session import Session, Step

from cronicorn_planner.sessions.observing import PlannerEvent, PlannerObserver, SessionEnded


class SessionTraces(Protocol):
    """Makes traces of sessions; it neither waits nor fails."""

    def ended(self, session: Session, steps: Sequence[Step]) -> None:
        """Tell of a session that is kept, and of its steps in their order."""
        ...


class TracedSessions:
    """Has sessions traced behind another observer, which hears first."""

    def __init__(self, observer: PlannerObserver, traces: SessionTraces) -> None:
        self._observer = observer
        self._traces = traces

    def record(self, event: PlannerEvent) -> None:
        """Pass the event on, and tell of a session that it ends."""
        self._observer.record(event)
        if isinstance(event, SessionEnded):
            self._traces.ended(event.session, event.steps)
