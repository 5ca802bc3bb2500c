"""What a quota has put off comes back when there is room for it after all."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from cronicorn_domain.model.decision import Plan, Rule
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.replanning import replan

OUT_OF_RUNS: Final = "its tenant's runs of this month are used up"
"""How the reason of a deferral begins that a higher limit lifts; others end by themselves."""


def is_out_of_runs(not_before: datetime | None, reason: str | None, now: datetime) -> bool:
    """Say whether nothing is due yet because a quota of runs is used up."""
    ahead = not_before is not None and not_before > now
    return ahead and (reason or "").startswith(OUT_OF_RUNS)


def lift(situation: Situation, now: datetime) -> Change:
    """
    End a deferral by a quota of runs now, and plan by that; one for another reason stays.

    What has come meanwhile is run or recorded as at the end that it had.
    """
    state = situation.state
    if not is_out_of_runs(state.not_before, state.not_before_reason, now):
        return Change(state=state)
    free = replace(state, not_before=now, plan=_as_it_was(state.plan))
    return replan(replace(situation, state=free), now)


def _as_it_was(plan: Plan | None) -> Plan | None:
    """Return a plan with the slot it had before its wait made it move on."""
    if plan is None or plan.moved_on is None:
        return plan
    trail = tuple(each for each in plan.decision.trail if each.rule is not Rule.MOVED_ON)
    first = plan.first_slot
    decision = replace(plan.decision, slot=first, due_at=first, trail=trail)
    return replace(plan, decision=decision)
