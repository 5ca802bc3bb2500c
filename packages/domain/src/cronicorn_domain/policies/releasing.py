"""A claim is undone: nothing was sent, and nothing it consumed is lost."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import OutcomeClass, Run, RunStatus
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.following import leased_plan
from cronicorn_domain.policies.replanning import replan


def release(situation: Situation, now: datetime) -> Change:
    """
    Give the leased slot back: due again with the next attempt; no loss and no failure.

    ``situation`` holds what the claim had consumed as pending again.
    """
    plan = leased_plan(situation)
    given_back = replace(plan, attempt=plan.attempt + 1)
    state = replace(situation.state, latest_slot=plan.slot, latest_attempt=plan.attempt)
    if situation.lease is not None and situation.lease.urgent:
        state = replace(state, urgent=given_back)
    else:
        noted = state.noted
        if plan.decision.source is Source.CATCH_UP:
            noted = (plan.slot, *noted)
        state = replace(state, plan=given_back, noted=noted)
    return replan(replace(situation, state=state, lease=None), now)


def released_run(run: Run, now: datetime, message: str = "given back before it started") -> Run:
    """Return the run's row as the release leaves it: canceled, nothing was sent."""
    return replace(
        run,
        status=RunStatus.CANCELED,
        finished_at=now,
        outcome_class=OutcomeClass.NOT_ATTEMPTED,
        message=message,
    )
