"""The next fire times, found by running the real transitions on nothing but values."""

from datetime import datetime
from enum import StrEnum

from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.run import Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.rehearsing import Rehearsal

PREVIEW_MOST = 100


class Assumption(StrEnum):
    """How every run of a preview ends; ``latest``: as the latest that has ended did."""

    SUCCESS = "success"
    FAILED = "failed"
    LATEST = "latest"


def assumed(assume: Assumption, latest: Succeeded | Failed | None = None) -> Succeeded | Failed:
    """Return how each run ends; where none has ended yet the latest is a success."""
    match assume:
        case Assumption.SUCCESS:
            return Succeeded(response=Response(status_code=200))
        case Assumption.FAILED:
            return Failed(
                kind=FailureKind.HTTP_STATUS,
                message="assumed",
                response=Response(status_code=500),
            )
        case Assumption.LATEST:
            return latest or assumed(Assumption.SUCCESS)


def preview(
    situation: Situation,
    *,
    count: int,
    now: datetime,
    assume: Assumption = Assumption.SUCCESS,
) -> tuple[Decision, ...]:
    """Return the decisions of the next runs, if all end as ``assume`` says; see `preview_of`."""
    return preview_of(situation, assumed(assume), count=count, now=now)


def preview_of(
    situation: Situation, outcome: Outcome, *, count: int, now: datetime
) -> tuple[Decision, ...]:
    """
    Return the decisions of the next ``count`` runs (at most 100), if each starts when it is due.

    Runs are assumed to take no time and to end with ``outcome``; rules say nothing. Fewer come back
    when the endpoint finishes, and none while it is archived, quarantined or paused without an end.
    """
    rehearsal = Rehearsal(situation, now)
    decisions: list[Decision] = []
    if situation.lease is not None:
        rehearsal.end(outcome, at=now)
    while len(decisions) < min(count, PREVIEW_MOST):
        plan = rehearsal.begin_next()
        if plan is None:
            break
        decisions.append(plan.decision)
        rehearsal.end(outcome, at=rehearsal.now)
    return tuple(decisions)
