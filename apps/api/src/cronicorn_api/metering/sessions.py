"""Counts what an AI planner does that works beside the API, under the names that workers have."""

from typing import Final, assert_never

from cronicorn_planner.sessions.observing import (
    ModelRests,
    PlannerEvent,
    PlannerObserver,
    PlannerTroubled,
    SessionEnded,
    SessionLost,
)
from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
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

        self._lost = Counter(
            "cronicorn_ai_sessions_lost",
            "Sessions whose end could not be kept; nothing took effect.",
            registry=registry,
        )
        self._seconds = Histogram(
            "cronicorn_ai_session_seconds",
            "How long sessions took.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._proposals = Counter(
            "cronicorn_ai_proposals",
            "What sessions proposed, and what came of it.",
            ("fate",),
            registry=registry,
        )
        self._rested = Counter(
            "cronicorn_ai_models_rested",
            "Models that were left alone for a while, as they failed.",
            registry=registry,
        )

    def record(self, event: PlannerEvent) -> None:
        """Pass the event on, and count it."""
        self._observer.record(event)
        match event:
            case SessionEnded():
                self._count_end(event)
            case SessionLost():
                self._lost.inc()
            case ModelRests():
                self._rested.inc()
            case PlannerTroubled():
                pass
            case _:
                assert_never(event)

    def _count_end(self, event: SessionEnded) -> None:
        session = event.session
        self._ended.labels(session.ending.value).inc()
        self._seconds.observe((session.ended_at - session.started_at).total_seconds())
        self._tokens.labels("in").inc(session.tokens_in)
        self._tokens.labels("out").inc(session.tokens_out)
        self._cost.inc((session.cost or 0) / _MILLIONTHS)
        self._proposals.labels("granted").inc(event.granted)
        self._proposals.labels("suggested").inc(event.suggested)
        refused = sum(1 for each in session.caveats if each.code == "refused")
        self._proposals.labels("refused").inc(refused)
