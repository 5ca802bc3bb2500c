"""Step 0: a retry, or the successor of a lost run: the same slot, the next attempt."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.instants import ceil_millisecond
from cronicorn_domain.model.decision import Decision, Plan, Rule, Source, Weighed
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.due_instants import earliest_start, put_off
from cronicorn_domain.policies.sequence import next_recurring_slot


def repeat_of(
    situation: Situation, plan: Plan, *, at: datetime, rule: Rule, detail: str = ""
) -> Plan:
    """
    Make the next attempt of a plan's slot, at an instant or as soon after as the floor allows.

    ``situation`` is the one after the run that ended.
    """
    at = ceil_millisecond(at)
    decision = Decision(
        slot=plan.slot, due_at=at, source=Source.RETRY, trail=(Weighed(rule, at, detail),)
    )
    repeat = replace(
        plan, decision=decision, attempt=plan.attempt + 1, repeat=True, counted=True, origin=None
    )
    return timed_repeat(situation, repeat)


def timed_repeat(situation: Situation, repeat: Plan) -> Plan:
    """Put a repeat off until the floor and ``not_before`` allow its start."""
    earliest, rule = earliest_start(situation, kind=repeat.kind, source=Source.RETRY)
    decision = repeat.decision
    if earliest is None or decision.due_at >= earliest:
        return repeat
    trail = (*decision.trail, put_off(situation, rule, earliest))
    return replace(repeat, decision=replace(decision, due_at=earliest, trail=trail))


def pointless(situation: Situation, repeat: Plan, *, after: datetime, now: datetime) -> bool:
    """
    Say whether the next recurring slot comes at or before a repeat, which is then dropped.

    That slot is taken without backoff, and slots noted for catching up do not count.
    """
    following = next_recurring_slot(situation, after=after, now=now)
    return following is not None and following <= repeat.decision.due_at


def counts_failure(repeat: Plan) -> bool:
    """
    Say whether a repeat, if it is dropped, leaves a failure of the target to be counted.

    A loss is ours. What failed before a success, or before the failures were reset, is forgiven.
    """
    rules = [line.rule for line in repeat.decision.trail]
    return rules[0] is Rule.RETRY and Rule.FORGIVEN not in rules


def forgiven(state: EndpointState, now: datetime, why: str) -> EndpointState:
    """Set the failures to zero, and with them the failure that a waiting repeat follows."""
    plan, urgent = (_without_failure(each, now, why) for each in (state.plan, state.urgent))
    if state.failures == 0 and plan is state.plan and urgent is state.urgent:
        return state
    return replace(state, failures=0, plan=plan, urgent=urgent)


def _without_failure(plan: Plan | None, now: datetime, why: str) -> Plan | None:
    if plan is None or not plan.repeat or not counts_failure(plan):
        return plan
    trail = (*plan.decision.trail, Weighed(Rule.FORGIVEN, now, why))
    return replace(plan, decision=replace(plan.decision, trail=trail))
