"""Counts what an AI planner does that works beside the API, under the names that workers have."""

from typing import Final

from cronicorn_planner.sessions.observing import PlannerEvent, PlannerObserver, SessionEnded
from prometheus_client import CollectorRegistry, Counter

_MILLIONTHS: Final = 1_000_000


class CountedSessions:
    """Counts sessions behind another observer, which hears of each first."""

    def __init__(self, observer: PlannerObserver, registry: CollectorRegistry) -> None:
        self._observer = observer
        self._ended = Counter(
            "cronicorn_ai_sessions",
            "Sessions of the AI planner, by how they ended.",
            ("ending",),
            registry=registry,
        )
        self._tokens = Counter(
            "cronicorn_ai_tokens",
            "Tokens that models read and wrote in sessions.",
            ("direction",),
            registry=registry,
        )
        self._cost = Counter(
            "cronicorn_ai_cost",
            "What sessions cost, in the currency of the prices.",
            registry=registry,
        )

    def record(self, event: PlannerEvent) -> None:
        """Pass the event on, and count a session that it ends."""
        self._observer.record(event)
        if not isinstance(event, SessionEnded):
            return
        session = event.session
        self._ended.labels(session.ending.value).inc()
        self._tokens.labels("in").inc(session.tokens_in)
        self._tokens.labels("out").inc(session.tokens_out)
        self._cost.inc((session.cost or 0) / _MILLIONTHS)
