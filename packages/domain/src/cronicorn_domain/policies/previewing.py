"""The next fire times, found by running the real transitions on nothing but values."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from cronicorn_domain.identity import RunId, Token, WorkerId
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.run import Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Claim, Postponement
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.settling import settle
from cronicorn_domain.ports.endpoint_queue import Settlement

PREVIEW_MOST = 100
_LEASE = timedelta(minutes=1)


class Assumption(StrEnum):
    """How every run of a preview ends."""

    SUCCESS = "success"
    FAILED = "failed"


def preview(
    situation: Situation,
    *,
    count: int,
    now: datetime,
    assume: Assumption = Assumption.SUCCESS,
) -> tuple[Decision, ...]:
    """
    Return the decisions of the next ``count`` runs (at most 100), if each starts when it is due.

    Runs are assumed to take no time and to end as ``assume`` says. Fewer come back when the
    endpoint finishes, and none while it is archived, quarantined or paused without an end.
    """
    decisions: list[Decision] = []
    wanted = min(count, PREVIEW_MOST)
    if situation.lease is not None:
        situation = _settled(situation, now, assume)
    # A claim that postpones leads to one that does not; the bound only guards against a fault here.
    for _ in range(3 * wanted):
        due_at = claimable_from(situation, now)
        if due_at is None or len(decisions) == wanted:
            break
        now = max(now, due_at)
        match claim(situation, now):
            case Postponement(change=change):
                situation = replace(situation, state=change.state)
            case Claim() as claimed:
                decisions.append(claimed.plan.decision)
                situation = _settled(_leased(situation, claimed, now), now, assume)
    return tuple(decisions)


def _leased(situation: Situation, claimed: Claim, now: datetime) -> Situation:
    endpoint = situation.endpoint
    lease = Lease(
        token=Token(0),
        endpoint_id=endpoint.id,
        tenant=endpoint.tenant,
        run_id=RunId(UUID(int=0)),
        worker=WorkerId("preview"),
        until=now + _LEASE,
        started_at=now,
        urgent=claimed.urgent,
    )
    return replace(
        situation,
        state=claimed.change.state,
        lease=lease,
        hints=tuple(each for each in situation.hints if each.id not in claimed.hints),
        triggers=tuple(each for each in situation.triggers if each.id not in claimed.triggers),
    )


def _settled(situation: Situation, now: datetime, assume: Assumption) -> Situation:
    outcome: Outcome = Succeeded(response=Response(status_code=200))
    if assume is Assumption.FAILED:
        outcome = Failed(kind=FailureKind.HTTP_STATUS, message="assumed")
    settlement = Settlement(token=Token(0), started_at=now, ended_at=now, outcome=outcome)
    change = settle(situation, settlement, now)
    return replace(situation, state=change.state, lease=None)
