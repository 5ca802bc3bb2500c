"""
What stands between runs, and what goes before it.

A plan whose slot has come stands as long as what planned it does, so that no replan can lose a
slot. A repeat stands until the next recurring slot makes it pointless. Only a run by hand, and a
sibling's trigger of a paused endpoint, go before either; it stands again afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.instants import MICROSECOND, floor_millisecond
from cronicorn_domain.model.decision import Plan, Source
from cronicorn_domain.model.hint import IntervalHint, Trigger, TriggerKind
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.due_instants import TIMING_RULES, planned
from cronicorn_domain.policies.governor import govern
from cronicorn_domain.policies.guardrails import longest_limit
from cronicorn_domain.policies.oneshots import (
    oneshot_candidate,
    pending_triggers,
    untaken,
    within_bounds,
)
from cronicorn_domain.policies.passing import coalesce_noted, coalesce_passed
from cronicorn_domain.policies.repeats import follows_failure, pointless, timed_repeat


def plan_on(situation: Situation, *, after: datetime, now: datetime) -> Change:
    """
    Plan what is next: the standing plan with its due instant weighed anew, or one behind ``after``.

    If the hint or one-shot behind a plan whose slot has come was cleared or has expired, the new
    one is looked for from just before that slot on. Nothing may be leased.
    """
    change = _standing_or_new(situation, after=after, now=now)
    settled = replace(situation, state=change.state)
    if change.state.plan is None and change.state.noted:
        change = coalesce_noted(change, reason="the endpoint is finished", now=now)
    urgent = urgent_plan(settled, now)
    if urgent != change.state.urgent:
        change = replace(change, state=replace(change.state, urgent=urgent))
    return change


def urgent_plan(situation: Situation, now: datetime) -> Plan | None:
    """
    Return what goes before the standing plan: a run by hand, or a paused endpoint's trigger.

    A run by hand on the very instant of a plan that is due no later is served by that plan.
    """
    if not situation.triggers:
        return None
    plan = situation.state.plan
    if by_hand := pending_triggers(situation, TriggerKind.MANUAL, now):
        chosen = _urgent(situation, by_hand)
        return None if _serves(plan, by_hand, chosen) else chosen
    if situation.endpoint.paused_at(now):
        siblings = pending_triggers(situation, TriggerKind.SIBLING, now)
        allowed = [each for each in siblings if within_bounds(situation, each.at)]
        return _urgent(situation, allowed) if allowed else None
    return None


def still_planned(situation: Situation, plan: Plan, now: datetime) -> bool:
    """
    Say whether what planned it stands: the schedule always does, a hint or trigger while it lives.
    """
    if plan.origin is None:
        return True
    proposals = (*situation.hints, *situation.triggers)
    return any(each.id == plan.origin and each.expires_at > now for each in proposals)


def hint_behind(situation: Situation, plan: Plan) -> IntervalHint | None:
    """Return the interval hint that planned it, if nothing has ended it."""
    if plan.origin is None:
        return None
    intervals = (hint for hint in situation.hints if isinstance(hint, IntervalHint))
    return next((hint for hint in intervals if hint.id == plan.origin), None)


def _standing_or_new(situation: Situation, *, after: datetime, now: datetime) -> Change:
    plan = situation.state.plan
    if plan is None:
        return _planned_anew(situation, after=after, now=now)
    if plan.repeat:
        return _repeat_or_new(situation, plan, after=after, now=now)
    if plan.decision.source is Source.CATCH_UP:
        return _with_plan(situation.state, _timed_anew(situation, plan, now))
    if plan.slot <= now:
        if still_planned(situation, plan, now):
            return _with_plan(situation.state, _timed_anew(situation, plan, now))
        after = plan.slot - MICROSECOND
    return _planned_anew(situation, after=after, now=now)


def _planned_anew(situation: Situation, *, after: datetime, now: datetime) -> Change:
    state = situation.state
    plan = govern(situation, after=after, now=now)
    return _with_plan(state, None if plan is None else _with_past(state, plan))


def _with_past(state: EndpointState, plan: Plan) -> Plan:
    """A slot that was attempted before, and given back, goes on with its next attempt."""
    before = state.plan
    if before is not None and before.slot == plan.slot:
        return replace(
            plan,
            attempt=before.attempt,
            tries=before.tries,
            losses=before.losses,
            counted=before.counted,
        )
    if state.latest_slot == plan.slot:
        return replace(plan, attempt=state.latest_attempt + 1)
    return plan


def _repeat_or_new(situation: Situation, repeat: Plan, *, after: datetime, now: datetime) -> Change:
    repeat = timed_repeat(situation, repeat)
    state = situation.state
    if repeat.decision.due_at <= now or not pointless(situation, repeat, after=after, now=now):
        return _with_plan(state, repeat)
    failures = state.failures + 1 if follows_failure(repeat) else state.failures
    state = replace(state, plan=None, failures=failures)
    passed = coalesce_passed(replace(situation, state=state), repeat, hint=None, now=now)
    change = _planned_anew(replace(situation, state=passed.state), after=after, now=now)
    return replace(change, records=passed.records)


def _timed_anew(situation: Situation, plan: Plan, now: datetime) -> Plan:
    """Weigh the start of a standing plan again: a run in between, or an edit, may have moved it."""
    decision = plan.decision
    candidate = Candidate(
        slot=plan.slot,
        source=decision.source,
        kind=plan.kind,
        trail=[line for line in decision.trail if line.rule not in TIMING_RULES],
        hint=hint_behind(situation, plan),
        origin=plan.origin,
    )
    fresh = planned(situation, candidate, latest=longest_limit(situation, now))
    if fresh.decision == decision:
        return plan
    if fresh.slot != plan.slot:
        return _with_past(replace(situation.state, plan=None), fresh)
    return replace(plan, decision=fresh.decision)


def _urgent(situation: Situation, triggers: Sequence[Trigger]) -> Plan:
    state = situation.state
    given_back, standing = state.urgent, state.plan
    if given_back is not None and any(each.id == given_back.origin for each in triggers):
        first = next(each for each in triggers if each.id == given_back.origin)
        candidate = oneshot_candidate(situation, first)
        candidate.slot = given_back.slot
        return replace(given_back, decision=planned(situation, candidate).decision)
    candidate = oneshot_candidate(situation, min(triggers, key=lambda each: (each.at, each.id)))
    if standing is not None and standing.origin != candidate.origin:
        candidate.slot = untaken(state, candidate.slot, also=(standing.slot,))
    return planned(situation, candidate)


def _serves(plan: Plan | None, triggers: Sequence[Trigger], urgent: Plan) -> bool:
    if plan is None or plan.decision.due_at > urgent.decision.due_at:
        return False
    return plan.slot == floor_millisecond(min(each.at for each in triggers))


def _with_plan(state: EndpointState, plan: Plan | None) -> Change:
    return Change(state=state if plan is state.plan else replace(state, plan=plan))
