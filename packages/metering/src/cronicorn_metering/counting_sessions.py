"""Counts what the AI planner tells, and passes it on."""

from typing import Final, assert_never

from cronicorn_planner.sessions.observing import (
    ModelRests,
    PlannerEvent,
    PlannerObserver,
    PlannerTroubled,
    SessionEnded,
    SessionLost,
)

from cronicorn_metering.instruments import Instruments

_MILLIONTHS: Final = 1_000_000


class CountingSessions:
    """Counts events for the metrics behind another observer, which hears of each first."""

    def __init__(self, observer: PlannerObserver, instruments: Instruments) -> None:
        self._observer = observer
        self._instruments = instruments

    def record(self, event: PlannerEvent) -> None:
        """Count an event."""
        self._observer.record(event)
        match event:
            case SessionEnded():
                self._ended(event)
            case SessionLost():
                self._instruments.sessions.lost.inc()
            case ModelRests():
                self._instruments.sessions.models_rested.inc()
            case PlannerTroubled():
                pass
            case _:
                assert_never(event)

    def _ended(self, event: SessionEnded) -> None:
        session, counted = event.session, self._instruments.sessions
        counted.ended.labels(session.ending.value).inc()
        counted.seconds.observe((session.ended_at - session.started_at).total_seconds())
        counted.tokens.labels("in").inc(session.tokens_in)
        counted.tokens.labels("out").inc(session.tokens_out)
        counted.cost.inc((session.cost or 0) / _MILLIONTHS)
        counted.proposals.labels("granted").inc(event.granted)
        counted.proposals.labels("suggested").inc(event.suggested)
        refused = sum(1 for each in session.caveats if each.code == "refused")
        counted.proposals.labels("refused").inc(refused)
