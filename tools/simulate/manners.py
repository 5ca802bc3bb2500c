"""Answers of targets that have something to say about the next call, and sometimes nonsense."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from random import Random

from cronicorn_domain.model.run import Failed, FailureKind, Outcome, Response, Succeeded

from tools.simulate.drawing import MILLISECOND, SECOND, one_of
from tools.simulate.participants import Manner

RETRY_AFTER = "Retry-After"
NEXT_RUN_IN = "Cronicorn-Next-Run-In"
PAUSE_UNTIL = "Cronicorn-Pause-Until"

BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
MOVED = (HTTPStatus.FOUND, HTTPStatus.PERMANENT_REDIRECT)
ANY = (HTTPStatus.OK, HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR)
WAITS = (0, 1, 3, 10, 45, 130, 400, 5000)
NONSENSE = (
    "",
    "-5",
    "+5",
    "1.5",
    "0x10",
    "soon",
    "\u0663",
    "9" * 40,
    "Wed, 99 Foo 2025 12:00:00 GMT",
    "0001-01-01T00:00:00+23:59",
    "2025-01-01T12:05:00",
    "9999-12-31T23:59:59Z",
)


def answer(manner: Manner, chance: Random, now: datetime) -> Outcome:
    """Return an answer in that manner, given now."""
    length = timedelta(seconds=chance.choice(WAITS))
    seconds = str(length // SECOND)
    match manner:
        case Manner.BUSY:
            return answered(chance.choice(BUSY), (RETRY_AFTER, seconds))
        case Manner.BUSY_UNTIL:
            sign = one_of(chance, 1, 1, 1, -1)
            date = format_datetime(now + sign * length, usegmt=True)
            return answered(chance.choice(BUSY), (RETRY_AFTER, date))
        case Manner.MOVED:
            return answered(chance.choice(MOVED), (RETRY_AFTER, seconds))
        case Manner.GONE:
            return answered(HTTPStatus.GONE)
        case Manner.NEXT_RUN:
            return answered(chance.choice(ANY), (NEXT_RUN_IN, seconds))
        case Manner.PAUSE:
            odd = MILLISECOND * one_of(chance, 0, 0, 1, 500)
            until = (now + length + odd).isoformat()
            return answered(chance.choice(ANY), (PAUSE_UNTIL, until))
        case Manner.NONSENSE:
            return _nonsense(chance, seconds)


def answered(status: HTTPStatus, *headers: tuple[str, str]) -> Outcome:
    """Return an answer with a head; what is no success is the target's failure."""
    response = Response(status_code=status, headers=headers)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return Succeeded(response=response)
    message = f"the target answered {status:d}"
    return Failed(kind=FailureKind.HTTP_STATUS, message=message, response=response)


def _nonsense(chance: Random, seconds: str) -> Outcome:
    """Say what cannot be meant, or two things at once."""
    name = one_of(chance, RETRY_AFTER, NEXT_RUN_IN, PAUSE_UNTIL)
    headers = [(name.lower(), chance.choice(NONSENSE))]
    if chance.random() < 0.3:  # noqa: PLR2004  a share
        headers.append((name, seconds))
    return answered(chance.choice((*ANY, *BUSY, *MOVED)), *headers)
