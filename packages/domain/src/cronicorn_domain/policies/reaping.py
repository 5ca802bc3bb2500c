"""A lease ran out: its worker is gone, or was stopped for too long."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Rule
from cronicorn_domain.model.endpoint import Delivery
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run, RunStatus
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.following import after_run, leased_plan, plan_behind, repeated
from cronicorn_domain.policies.releasing import release

LOSSES_MOST = 3
"""
After so many losses of one slot it is given up: the slot itself may be what kills the workers.
"""


def reap(situation: Situation, now: datetime) -> Change:
    """
    Turn the loss of the leased run into the state that follows.

    A run that never started is given back. A started one is repeated at once under at-least-once
    delivery; under at-most-once, and after three losses, the next slot follows. Giving a slot up
    counts one failure; a loss by itself is ours and counts none.
    """
    lease = situation.lease
    if lease is None or lease.started_at is None:
        return release(situation, now)
    plan, failures = leased_plan(situation), situation.state.failures
    lost = replace(plan, losses=plan.losses + 1)
    given_up = lost.losses >= LOSSES_MOST
    state = after_run(
        situation,
        plan,
        started_at=lease.started_at,
        ended_at=now,
        failures=failures + 1 if given_up else failures,
    )
    endpoint = situation.endpoint
    at_most_once = endpoint.delivery is Delivery.AT_MOST_ONCE
    if given_up or at_most_once or endpoint.archived_at is not None:
        return plan_behind(situation, state, plan, now=now)
    again = repeated(
        situation,
        state,
        lost,
        at=now,
        rule=Rule.LOST_RUN,
        detail=f"worker {lease.worker} was lost",
        now=now,
    )
    return again or plan_behind(situation, state, plan, now=now)


def abandoned_run(run: Run, started_at: datetime, now: datetime) -> Run:
    """Return the row of a lost run: failed, abandoned, and ours."""
    return replace(
        run,
        status=RunStatus.FAILED,
        started_at=started_at,
        finished_at=now,
        outcome_class=OutcomeClass.OURS,
        failure_kind=FailureKind.ABANDONED,
        message=f"worker {run.worker} was lost while it ran",
    )
