"""What follows a run that has ended for good."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Kind, Plan
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.passing import coalesce_passed, with_last_slot
from cronicorn_domain.policies.standing import hint_behind, plan_on


def leased_plan(situation: Situation) -> Plan:
    """Return the plan that the living lease was made of."""
    state, lease = situation.state, situation.lease
    plan = state.urgent if lease is not None and lease.urgent else state.plan
    assert plan is not None  # a lease is made of a plan, which then stays
    return plan


def after_run(
    state: EndpointState, plan: Plan, *, started_at: datetime, ended_at: datetime
) -> EndpointState:
    """
    Note a started run in the state; who counts a failure, and what is next, is not decided here.
    """
    counts = not plan.counted and plan.kind is not Kind.MANUAL
    state = replace(
        state,
        last_start=started_at,
        run_count=state.run_count + 1 if counts else state.run_count,
        latest_slot=plan.slot,
        latest_attempt=plan.attempt,
    )
    if plan.kind is Kind.RECURRING:
        state = replace(with_last_slot(state, plan.slot), last_end=ended_at, skipped=False)
    return state


def plan_behind(situation: Situation, state: EndpointState, plan: Plan, *, now: datetime) -> Change:
    """
    Plan what comes after ``plan``'s run, which is over; ``state`` is what it left.

    Behind a recurring run slots that passed meanwhile are coalesced; behind any other the next slot
    may lie in the past, and is run. A plan that an urgent run went before stands again.
    """
    urgent = situation.lease is not None and situation.lease.urgent
    left = replace(state, urgent=None) if urgent else replace(state, plan=None)
    ended = replace(situation, state=left, lease=None)
    if plan.kind is not Kind.RECURRING:
        return plan_on(ended, after=behind_other(left, plan), now=now)
    if left.noted:
        return plan_on(ended, after=now, now=now)
    passed = coalesce_passed(ended, plan, hint=hint_behind(situation, plan), now=now)
    change = plan_on(replace(ended, state=passed.state), after=max(now, plan.slot), now=now)
    return replace(change, records=(*passed.records, *change.records))


def behind_other(state: EndpointState, plan: Plan) -> datetime:
    """Return what the next recurring slot must lie behind after a run that was not recurring."""
    return plan.slot if state.last_slot is None else max(state.last_slot, plan.slot)
