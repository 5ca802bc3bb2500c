"""The life of one endpoint on nothing but values, by the very transitions that stores apply."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.identity import RunId, Token, WorkerId
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Change, Claim, Postponement
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.lapsing import unlapsed
from cronicorn_domain.policies.settling import settle
from cronicorn_domain.ports.endpoint_queue import Settlement

_LEASE: Final = timedelta(minutes=1)
_LEASE_TOKEN: Final = Token(0)
_POSTPONED_MOST: Final = 100
"""A claim that postpones leads to one that does not; this only guards against a fault here."""


class Rehearsal:
    """
    Each run starts when it is due, and ends as it is told; nothing else happens meanwhile.

    ``situation`` and ``now`` are where it stands. What siblings are asked for goes nowhere.
    """

    def __init__(self, situation: Situation, now: datetime) -> None:
        self.situation = situation
        self.now = now

    def begin_next(self, before: datetime | None = None) -> Plan | None:
        """
        Go to where the next run is due, and start it.

        None, and nothing is started: none ever is, or not ``before``.
        """
        for _ in range(_POSTPONED_MOST):
            due_at = claimable_from(self.situation, self.now)
            if due_at is None or (before is not None and due_at >= before):
                return None
            self.now = max(self.now, due_at)
            match claim(self.situation, self.now):
                case Postponement(change=change):
                    self.situation = replace(self.situation, state=change.state)
                case Claim() as made:
                    self.situation = _leased(self.situation, made, self.now)
                    return made.plan
        return None

    def end(self, outcome: Outcome, ruling: Ruling = NO_RULING, *, at: datetime) -> Change:
        """End the run that is under way at an instant, and return what came of it."""
        lease = self.situation.lease
        started_at = at if lease is None or lease.started_at is None else lease.started_at
        settlement = Settlement(
            token=_LEASE_TOKEN,
            started_at=started_at,
            ended_at=at,
            outcome=outcome,
            ruling=ruling,
        )
        change = settle(self.situation, settlement, at)
        self.situation = unlapsed(change.after_the_run(self.situation, at), at)
        self.now = at
        return change


def _leased(situation: Situation, made: Claim, now: datetime) -> Situation:
    endpoint = situation.endpoint
    lease = Lease(
        token=_LEASE_TOKEN,
        endpoint_id=endpoint.id,
        tenant=endpoint.tenant,
        run_id=RunId(UUID(int=0)),
        worker=WorkerId("rehearsal"),
        until=now + _LEASE,
        started_at=now,
        urgent=made.urgent,
    )
    return replace(
        situation,
        state=made.change.state,
        lease=lease,
        hints=tuple(each for each in situation.hints if each.id not in made.hints),
        triggers=tuple(each for each in situation.triggers if each.id not in made.triggers),
    )
