"""What the demo's shop answers: a pure function of the path, the phase and the visits so far."""

from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from cronicorn_worker.demo.story import Phase

_AT_ONCE = timedelta(milliseconds=15)
_SLOWLY = timedelta(milliseconds=250)
_HANGING = timedelta(seconds=30)
_BACKLOG = {Phase.CALM: 3, Phase.SURGE: 180, Phase.FAILING: 950, Phase.RECOVERY: 260}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a JSON body, after a while."""

    status: HTTPStatus = HTTPStatus.OK
    after: timedelta = _AT_ONCE
    body: dict[str, object] = field(default_factory=dict)


def answer(path: str, phase: Phase, visit: int) -> Answer:
    """Answer the n-th visit of a path, counted from 0 within the phase."""
    match path:
        case "/health":
            return _health(phase)
        case "/stock":
            return _stock(phase)
        case "/queue":
            return Answer(body={"depth": _BACKLOG[phase] + visit % 7})
        case "/checkout":
            return _checkout(phase, visit)
        case "/drain":
            return Answer(status=HTTPStatus.ACCEPTED, body={"draining": True})
        case "/restock":
            return Answer(body={"ordered": 0 if phase is Phase.CALM else 50})
        case "/sale":
            return Answer(status=HTTPStatus.ACCEPTED, body={"sale": "open"})
        case _:
            return Answer(status=HTTPStatus.NOT_FOUND, body={"error": "no such page"})


def _health(phase: Phase) -> Answer:
    if phase is Phase.FAILING:
        return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, body={"database": "unreachable"})
    return Answer(body={"database": "ok", "mood": phase.value})


def _stock(phase: Phase) -> Answer:
    """Hang while failing: a target that does not answer is ended by the deadline."""
    if phase is Phase.FAILING:
        return Answer(after=_HANGING)
    return Answer(body={"moon lamps": 12 if phase is Phase.CALM else 2})


def _checkout(phase: Phase, visit: int) -> Answer:
    """Drop every other order in the rush, so that a retry within the fire time succeeds."""
    match phase:
        case Phase.FAILING:
            return Answer(status=HTTPStatus.INTERNAL_SERVER_ERROR, body={"error": "no database"})
        case Phase.SURGE if visit % 2 == 0:
            return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, after=_SLOWLY)
        case Phase.CALM:
            return Answer(body={"order": "placed"})
        case _:
            return Answer(after=_SLOWLY, body={"order": "placed"})
