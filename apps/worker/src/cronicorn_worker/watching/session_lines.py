"""Log lines of what the AI planner does."""

from typing import Protocol, assert_never

from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.session import Ending
from cronicorn_planner.sessions.observing import (
    ModelRests,
    PlannerEvent,
    PlannerTroubled,
    SessionEnded,
    SessionLost,
)

from cronicorn_worker.settings import LogLevel
from cronicorn_worker.watching.log_lines import Fields, milliseconds


class Tell(Protocol):
    """Takes a line."""

    def __call__(self, name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
        """Write it."""
        ...


class SessionLines:
    """Tells of each event in a line; never what a model or a target said."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def record(self, event: PlannerEvent) -> None:
        """Write the event's line."""
        match event:
            case SessionEnded():
                self._ended(event)
            case SessionLost(endpoint_id=endpoint_id, reason=reason):
                fields: Fields = {"reason": reason, "endpoint_id": str(endpoint_id)}
                self._tell("session_lost", fields, level=LogLevel.WARNING)
            case ModelRests(model=model, tenant=tenant, seconds=seconds):
                fields = {"model": model, "seconds": seconds, "tenant": str(tenant)}
                self._tell("model_rests", fields, level=LogLevel.WARNING)
            case PlannerTroubled(reason=reason):
                self._tell("planner_troubled", {"reason": reason}, level=LogLevel.WARNING)
            case _:
                assert_never(event)

    def _ended(self, event: SessionEnded) -> None:
        session = event.session
        fields: Fields = {
            "endpoint": event.endpoint_name,
            "ending": session.ending.value,
            "cause": session.cause,
            "model": session.model,
            "granted": event.granted,
            "suggested": event.suggested,
            "tokens": session.tokens,
            "took_ms": milliseconds(session.ended_at - session.started_at),
            "next_analysis": iso_milliseconds(session.next_analysis_at),
            "endpoint_id": str(session.endpoint_id),
            "session_id": str(session.id),
        }
        if session.error is not None:
            fields = {**fields, "error": session.error}
        well = session.ending in {Ending.DONE, Ending.STOPPED}
        self._tell("session_ended", fields, level=LogLevel.INFO if well else LogLevel.WARNING)
