"""
What stands between runs.

A plan whose slot has come stands as long as what planned it does, so that no replan can lose a
slot. A repeat stands until the next recurring slot makes it pointless. What goes before either
(see ``urgent``) leaves it standing.
"""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Kind, Plan, Source
from cronicorn_domain.model.hint import IntervalHint
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.attempts import continued
from cronicorn_domain.policies.bounds import used_up, within_bounds
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.due_instants import TIMING_RULES, planned
from cronicorn_domain.policies.governor import govern
from cronicorn_domain.policies.guardrails import latest_slot
from cronicorn_domain.policies.passing import (
    coalesce_noted,
    coalesce_passed,
    coalesced,
    slots_of,
    with_last_slot,
)
from cronicorn_domain.policies.repeats import counts_failure, pointless, timed_repeat
from cronicorn_domain.policies.urgent import urgent_plan


def plan_on(situation: Situation, *, after: datetime, now: datetime) -> Change:
    """
    Plan what is next: the standing plan with its due instant weighed anew, or one behind ``after``.

    If the hint or one-shot behind a plan whose slot has come was cleared or has expired, the new
    one is looked for from just before that slot on. Nothing may be leased.
    """
    change = _standing_or_new(situation, after=after, now=now)
    if change.state.plan is None and change.state.noted:
        change = coalesce_noted(change, reason="the endpoint is finished", now=now)
    if not situation.triggers and change.state.urgent is None:
        return change
    urgent = urgent_plan(replace(situation, state=change.state), now)
    if urgent != change.state.urgent:
        change = replace(change, state=replace(change.state, urgent=urgent))
    return change


def still_planned(situation: Situation, plan: Plan, now: datetime) -> bool:
    """
    Say whether what planned it stands: the schedule always does, a hint or trigger while it lives.
    """
    if plan.origin is None:
        return True
    proposals = (*situation.hints, *situation.triggers)
    return any(each.id == plan.origin and each.expires_at > now for each in proposals)


def candidate_again(situation: Situation, plan: Plan, slot: datetime) -> Candidate:
    """Make a plan a candidate again, at ``slot``, for its start to be weighed anew."""
    return Candidate(
        slot=slot,
        source=plan.decision.source,
        kind=plan.kind,
        trail=[line for line in plan.decision.trail if line.rule not in TIMING_RULES],
        hint=_hint_behind(situation, plan),
        origin=plan.origin,
        trace=plan.trace,
    )


def _hint_behind(situation: Situation, plan: Plan) -> IntervalHint | None:
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
    if not (plan.counted or _allowed(situation, plan)):
        return _given_up(situation, plan, after=after, now=now)
    if plan.decision.source is Source.CATCH_UP:
        return _with_plan(situation.state, _timed_anew(situation, plan))
    if plan.first_slot > now:
        return _planned_anew(situation, after=after, now=now)
    if still_planned(situation, plan, now):
        return _with_plan(situation.state, _timed_anew(situation, plan))
    return _behind_ended(situation, plan, after=after, now=now)


def _planned_anew(situation: Situation, *, after: datetime, now: datetime) -> Change:
    state = situation.state
    plan = govern(situation, after=after, now=now)
    return _with_plan(state, None if plan is None else continued(state, plan))


def _behind_ended(situation: Situation, plan: Plan, *, after: datetime, now: datetime) -> Change:
    """
    What planned it was cleared or has expired: all is as if somebody had looked when it ended.

    What would have been planned then may have come since, and stands or has ended in its turn.
    """
    ended_at = _ended_at(situation, plan, now)
    left = _without(situation, plan.origin)
    then = left.known_at(ended_at)
    change = _planned_anew(then, after=plan.first_slot - MICROSECOND, now=ended_at)
    for written_at in sorted({hint.created_at for hint in left.hints}):
        if ended_at < written_at < now:
            then = replace(left, state=change.state).known_at(written_at)
            change = _and_then(change, _standing_or_new(then, after=written_at, now=written_at))
    if ended_at >= now:
        return change
    left = replace(left, state=change.state)
    return _and_then(change, _standing_or_new(left, after=after, now=now))


def _ended_at(situation: Situation, plan: Plan, now: datetime) -> datetime:
    """
    Return the instant as of which something else takes the place of a plan that has ended.

    A one-shot or trigger leaves it to the slots behind its own instant, which it had gone before; a
    hint to those behind its end, or behind now if it was cleared.
    """
    if plan.kind is not Kind.RECURRING:
        return plan.first_slot
    return next((hint.expires_at for hint in situation.hints if hint.id == plan.origin), now)


def _without(situation: Situation, origin: HintId | TriggerId | None) -> Situation:
    return replace(
        situation,
        hints=tuple(hint for hint in situation.hints if hint.id != origin),
        triggers=tuple(each for each in situation.triggers if each.id != origin),
    )


def _and_then(first: Change, second: Change) -> Change:
    return replace(second, records=(*first.records, *second.records))


def _repeat_or_new(situation: Situation, repeat: Plan, *, after: datetime, now: datetime) -> Change:
    """
    A dropped repeat leaves its last attempt as the outcome of its slot.

    As after any other run, slots that passed are coalesced behind a recurring one, else run.
    """
    repeat = timed_repeat(situation, repeat)
    state = situation.state
    if repeat.decision.due_at <= now or not pointless(situation, repeat, after=after, now=now):
        return _with_plan(state, repeat)
    failures = state.failures + 1 if counts_failure(repeat) else state.failures
    dropped = replace(situation, state=replace(state, plan=None, failures=failures))
    if repeat.kind is not Kind.RECURRING:
        return _planned_anew(dropped, after=repeat.slot, now=now)
    # What went before it may have had a slot that lies before the end of the repeat's own run.
    behind = max(after, state.last_end or after)
    passed = coalesce_passed(dropped, after=repeat.slot, until=behind, now=now)
    change = _planned_anew(replace(dropped, state=passed.state), after=behind, now=now)
    return replace(change, records=passed.records)


def _allowed(situation: Situation, plan: Plan) -> bool:
    return within_bounds(situation, plan.slot) and not used_up(situation)


def _given_up(situation: Situation, plan: Plan, *, after: datetime, now: datetime) -> Change:
    """A run that went before used the run count up, or an edit left the slot out of the bounds."""
    noted = tuple(slot for slot in situation.state.noted if slot != plan.slot)
    state = replace(situation.state, plan=None, noted=noted)
    if plan.kind is not Kind.RECURRING or plan.first_slot > now:
        return _planned_anew(replace(situation, state=state), after=after, now=now)
    state = with_last_slot(state, plan.slot)
    change = _planned_anew(replace(situation, state=state), after=after, now=now)
    spans = slots_of(situation, plan, until=now)
    records = tuple(coalesced(span, "out of the bounds", now) for span in spans)
    return replace(change, records=(*records, *change.records))


def _timed_anew(situation: Situation, plan: Plan) -> Plan:
    """Weigh the start of a standing plan again: a run in between, or an edit, may have moved it."""
    state = situation.state
    candidate = candidate_again(situation, plan, plan.slot)
    fresh = planned(situation, candidate, latest=_latest_start(situation, plan))
    if fresh.slot != plan.slot:
        return continued(replace(state, plan=None), fresh)
    if fresh.decision != plan.decision:
        plan = replace(plan, decision=fresh.decision)
    return continued(state, plan)


def _latest_start(situation: Situation, plan: Plan) -> datetime | None:
    """
    Return the instant past which jitter may not put off a plan's start; None: there is none.

    The longest counts from the slot before the plan's. Where a later one was skipped meanwhile,
    that slot is not known any more, and the start keeps the place it had.
    """
    last_slot = situation.state.last_slot
    if last_slot is not None and last_slot > plan.slot:
        return plan.decision.due_at
    return latest_slot(situation)


def _with_plan(state: EndpointState, plan: Plan | None) -> Change:
    return Change(state=state.with_plan(plan))
