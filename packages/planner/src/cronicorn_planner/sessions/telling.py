"""What the planner does, as lines of a log: never what a model or a target said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from cronicorn_domain.instants import MILLISECOND, iso_milliseconds
from cronicorn_domain.model.session import Ending

from cronicorn_planner.sessions.observing import (
    ModelRests,
    PlannerEvent,
    PlannerTroubled,
    SessionEnded,
    SessionLost,
)

_WELL: Final = frozenset({Ending.DONE, Ending.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line; ``trouble`` says that somebody should look."""

    name: str
    fields: Mapping[str, object]
    trouble: bool = True


def line_of(event: PlannerEvent) -> Line:
    """Return the line that tells of an event."""
    match event:
        case SessionEnded():
            return _ended(event)
        case SessionLost(endpoint_id=endpoint_id, reason=reason):
            fields = {"reason": reason, "endpoint_id": str(endpoint_id)}
            return Line(name="session_lost", fields=fields)
        case ModelRests(model=model, tenant=tenant, seconds=seconds):
            rests = {"model": model, "seconds": seconds, "tenant": str(tenant)}
            return Line(name="model_rests", fields=rests)
        case PlannerTroubled(reason=reason):
            return Line(name="planner_troubled", fields={"reason": reason})
        case _:
            assert_never(event)


def _ended(event: SessionEnded) -> Line:
    session = event.session
    fields: dict[str, object] = {
        "endpoint": event.endpoint_name,
        "ending": session.ending.value,
        "cause": session.cause,
        "model": session.model,
        "granted": event.granted,
        "suggested": event.suggested,
        "tokens": session.tokens,
        "took_ms": round((session.ended_at - session.started_at) / MILLISECOND, 1),
        "next_analysis": iso_milliseconds(session.next_analysis_at),
        "endpoint_id": str(session.endpoint_id),
        "session_id": str(session.id),
    }
    if session.error is not None:
        fields["error"] = session.error
    return Line(name="session_ended", fields=fields, trouble=session.ending not in _WELL)
