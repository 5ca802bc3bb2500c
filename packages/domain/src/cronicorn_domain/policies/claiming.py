"""A due endpoint is claimed: what its lease is made of, and what its instant has reached."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.model.decision import Plan, Rule
from cronicorn_domain.model.hint import OneShotHint
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change, Claim, Postponement
from cronicorn_domain.policies.eligibility import fires_despite_pause
from cronicorn_domain.policies.misfires import is_misfire, judge
from cronicorn_domain.policies.passing import moved_over, with_last_slot
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.policies.standing import plan_on, still_planned


def claim(situation: Situation, now: datetime) -> Claim | Postponement:
    """
    Decide about an endpoint that the due table says is due at ``now``.

    A plan whose hint, one-shot or trigger has expired is made anew instead, and so is one that is
    not due after all, or held back by a pause: the due table may hold what another clock saw.
    Missed slots meet the misfire policy. Everything whose instant has come is consumed, whichever
    caused the claim.
    """
    plan = situation.state.next_plan
    if plan is None or plan.decision.due_at > now or _held_back(situation, plan, now):
        return Postponement(change=replan(situation, now))
    if situation.state.urgent is not None:
        return _claimed(situation, plan, Change(state=situation.state), now, urgent=True)
    records = moved_over(situation, plan, now)
    if is_misfire(situation, plan, now):
        return _late_claim(situation, plan, records, now)
    state = _accounted(_without_noted(situation.state, plan), records)
    if records:
        state = replace(state, plan=_settled_in(plan))
    return _claimed(situation, plan, Change(state=state, records=records), now, urgent=False)


def _held_back(situation: Situation, plan: Plan, now: datetime) -> bool:
    if not still_planned(situation, plan, now):
        return True
    return situation.endpoint.paused_at(now) and not fires_despite_pause(situation.state)


def _late_claim(
    situation: Situation, plan: Plan, records: tuple[SlotRecord, ...], now: datetime
) -> Claim | Postponement:
    verdict = judge(situation, plan, now)
    records = (*records, *verdict.records)
    chosen = verdict.plan
    if chosen is not None:
        # The slot after a skip runs, however late, even if its jitter puts it off until then.
        skipped = situation.state.skipped or any(each.fate is Fate.SKIPPED for each in records)
        state = replace(
            situation.state, plan=_settled_in(chosen), noted=verdict.noted, skipped=skipped
        )
        state = _accounted(state, records)
        change = Change(state=state, records=records)
        if chosen.decision.due_at > now:
            return Postponement(change=change)
        return _claimed(situation, chosen, change, now, urgent=False)
    state = replace(situation.state, plan=None, skipped=True)
    if verdict.skipped_until is not None:
        state = with_last_slot(state, verdict.skipped_until)
    after = plan_on(replace(situation, state=state), after=now, now=now)
    return Postponement(change=replace(after, records=(*records, *after.records)))


def _claimed(
    situation: Situation, plan: Plan, change: Change, now: datetime, *, urgent: bool
) -> Claim:
    return Claim(
        plan=plan,
        urgent=urgent,
        change=change,
        hints=_reached_hints(situation, now),
        triggers=_reached_triggers(situation, now),
    )


def _reached_hints(situation: Situation, now: datetime) -> tuple[HintId, ...]:
    if not situation.hints:
        return ()
    oneshots = (hint for hint in situation.hints if isinstance(hint, OneShotHint))
    return tuple(hint.id for hint in oneshots if hint.at <= now < hint.expires_at)


def _reached_triggers(situation: Situation, now: datetime) -> tuple[TriggerId, ...]:
    if not situation.triggers:
        return ()
    return tuple(each.id for each in situation.triggers if each.at <= now < each.expires_at)


def _without_noted(state: EndpointState, plan: Plan) -> EndpointState:
    if plan.slot not in state.noted:
        return state
    return replace(state, noted=tuple(slot for slot in state.noted if slot != plan.slot))


def _accounted(state: EndpointState, records: tuple[SlotRecord, ...]) -> EndpointState:
    """What is recorded has passed: a claim given back is not to come to it again."""
    return with_last_slot(state, records[-1].last) if records else state


def _settled_in(plan: Plan) -> Plan:
    """Forget where the plan has moved on from, once that is recorded."""
    trail = tuple(line for line in plan.decision.trail if line.rule is not Rule.MOVED_ON)
    if len(trail) == len(plan.decision.trail):
        return plan
    return replace(plan, decision=replace(plan.decision, trail=trail))
