"""How badly an endpoint needs somebody: what lists that begin with the worst go by."""

from datetime import datetime
from enum import IntEnum

from cronicorn_domain.model.condition import Condition
from cronicorn_domain.ports.board import Standing, name_key


class Severity(IntEnum):
    """Why an endpoint needs somebody; the larger, the worse."""

    NONE = 0
    DEFERRED = 1
    LATE = 2
    FAILING = 3
    QUARANTINED = 4


def severity_of(standing: Standing, now: datetime) -> Severity:
    """Say why an endpoint needs somebody; one that is paused needs nobody."""
    match standing.condition:
        case Condition.QUARANTINED:
            return Severity.QUARANTINED
        case Condition.PAUSED | Condition.ARCHIVED:
            return Severity.NONE
        case _ if standing.state.failures:
            return Severity.FAILING
        case _ if standing.late_by(now):
            return Severity.LATE
        case Condition.DEFERRED:
            return Severity.DEFERRED
        case _:
            return Severity.NONE


def rank(standing: Standing, now: datetime) -> tuple[int, int, datetime, str, bytes]:
    """
    Return what sorts the worst first: why, then how often it failed or since when it is late.

    Names break ties, and ids those of names.
    """
    severity = severity_of(standing, now)
    since = standing.claimable_from if severity is Severity.LATE else None
    return (
        -severity,
        -standing.state.failures,
        since or now,
        name_key(standing.name),
        standing.id.bytes,
    )
