"""Step 0: a retry, or the successor of a lost run: the same slot, the next attempt."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.instants import ceil_millisecond
from cronicorn_domain.model.decision import Decision, Plan, Rule, Source, Weighed
from cronicorn_domain.model.state import Situation
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


def follows_failure(repeat: Plan) -> bool:
    """Say whether a repeat follows a failure of the target, and not a loss of ours."""
    return repeat.decision.trail[0].rule is Rule.RETRY
