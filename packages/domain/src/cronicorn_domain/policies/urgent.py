"""
What goes before the standing plan: a run by hand, or a sibling's trigger of a paused endpoint.
"""

from collections.abc import Sequence
from datetime import datetime

from cronicorn_domain.instants import MILLISECOND, floor_millisecond
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.hint import Trigger, TriggerKind
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.attempts import continued
from cronicorn_domain.policies.bounds import used_up, within_bounds
from cronicorn_domain.policies.due_instants import planned
from cronicorn_domain.policies.oneshots import oneshot_candidate, pending_triggers, untaken
from cronicorn_domain.policies.repeats import timed_repeat


def urgent_plan(situation: Situation, now: datetime) -> Plan | None:
    """
    Return the plan that goes before the standing one; None: there is none.

    A repeat of such a run stands until it is run. While the endpoint is paused a sibling's trigger
    comes first, since it alone can fire. A run by hand on the very instant of a plan that is due no
    later is served by that plan.
    """
    held = situation.state.urgent
    if held is not None and held.repeat:
        return timed_repeat(situation, held)
    if not situation.triggers:
        return None
    paused = situation.endpoint.paused_at(now)
    if paused and (siblings := _siblings(situation, now)):
        return _planned(situation, siblings)
    by_hand = pending_triggers(situation, TriggerKind.MANUAL, now)
    if not by_hand:
        return None
    chosen = _planned(situation, by_hand)
    return None if not paused and _serves(situation.state.plan, by_hand, chosen) else chosen


def _siblings(situation: Situation, now: datetime) -> list[Trigger]:
    if used_up(situation):
        return []
    pending = pending_triggers(situation, TriggerKind.SIBLING, now)
    return [each for each in pending if within_bounds(situation, each.at)]


def _planned(situation: Situation, triggers: Sequence[Trigger]) -> Plan:
    """
    Plan the earliest trigger; one that was given back comes first, and keeps its slot.

    Where a hint has since put a slot of the rhythm there, it moves on: each occurrence has its own.
    """
    state = situation.state
    known = {plan.origin for plan in (state.urgent, state.plan) if plan is not None}
    first = min(triggers, key=lambda each: (each.id not in known, each.at, each.id))
    candidate = oneshot_candidate(situation, first)
    standing = state.plan
    meets = standing is not None and standing.origin != first.id and standing.slot == candidate.slot
    if meets or first.id not in known:
        candidate.slot = _free_slot(situation, candidate.slot)
    return continued(state, planned(situation, candidate))


def _free_slot(situation: Situation, slot: datetime) -> datetime:
    """
    Find a slot that neither a run, nor the standing plan, nor the rhythm has or may still take.

    What was given back and then made way for another urgent plan is not remembered by its slot; but
    that lay no later than the latest.
    """
    standing, rhythm = situation.state.plan, situation.endpoint.rhythm
    latest = situation.state.latest_slot
    if latest is not None and slot <= latest:
        slot = latest + MILLISECOND
    also = () if standing is None else (standing.slot,)
    if rhythm is not None and rhythm.latest_until(slot) == slot:
        also = (*also, slot)
    return untaken(situation.state, slot, also=also)


def _serves(plan: Plan | None, triggers: Sequence[Trigger], urgent: Plan) -> bool:
    if plan is None or plan.decision.due_at > urgent.decision.due_at:
        return False
    return plan.slot == floor_millisecond(min(each.at for each in triggers))
