"""What follows a run that has ended: a repeat of its slot, or the next one."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Kind, Plan, Rule
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.passing import coalesce_passed
from cronicorn_domain.policies.repeats import pointless, repeat_of
from cronicorn_domain.policies.standing import plan_on


def leased_plan(situation: Situation) -> Plan:
    """Return the plan that the living lease was made of."""
    state = situation.state
    plan = state.urgent if _was_urgent(situation) else state.plan
    assert plan is not None, "a lease is made of a plan, which then stays"
    return plan


def after_run(
    situation: Situation,
    plan: Plan,
    *,
    started_at: datetime,
    ended_at: datetime,
    failures: int,
    attempted: bool = True,
) -> EndpointState:
    """
    Note a started run in the state, with the ``failures`` that its outcome leaves.

    The run's plan is over. An occurrence of which nothing was sent does not count as started.
    """
    counts = attempted and not plan.counted and plan.kind is not Kind.MANUAL
    recurs = plan.kind is Kind.RECURRING
    state, last = situation.state, situation.state.last_slot
    urgent = _was_urgent(situation)
    return EndpointState(
        failures=failures,
        last_slot=max(last or plan.slot, plan.slot) if recurs else last,
        last_start=started_at,
        last_end=ended_at if recurs else state.last_end,
        run_count=state.run_count + 1 if counts else state.run_count,
        not_before=state.not_before,
        not_before_reason=state.not_before_reason,
        plan=state.plan if urgent else None,
        urgent=None if urgent else state.urgent,
        noted=state.noted,
        latest_slot=plan.slot,
        latest_attempt=plan.attempt,
        rhythm_from=state.rhythm_from,
        skipped=False if recurs else state.skipped,
        resting=state.resting,
        quarantine=state.quarantine,
    )


def plan_behind(situation: Situation, state: EndpointState, plan: Plan, *, now: datetime) -> Change:
    """
    Plan what comes after ``plan``'s run, which is over; ``state`` is what it left.

    Behind a recurring run slots that passed meanwhile are coalesced; behind any other the next slot
    may lie in the past, and is run. A plan that an urgent run went before stands again. For an
    archived endpoint nothing is planned.
    """
    ended = situation.after_the_run(state)
    records: tuple[SlotRecord, ...] = ()
    recurs = plan.kind is Kind.RECURRING
    if recurs and not state.noted:
        passed = coalesce_passed(ended, after=plan.slot, until=now, now=now)
        if passed.records:
            ended, records = situation.after_the_run(passed.state), passed.records
    if situation.endpoint.archived_at is not None:
        return Change(state=ended.state, records=records)
    after = max(now, plan.slot) if recurs else _behind_other(state, plan)
    change = plan_on(ended, after=after, now=now)
    return replace(change, records=(*records, *change.records)) if records else change


def repeated(
    situation: Situation,
    state: EndpointState,
    plan: Plan,
    *,
    at: datetime,
    rule: Rule,
    detail: str,
    now: datetime,
) -> Change | None:
    """
    Plan the next attempt of the run's slot; None: the next recurring slot makes it pointless.

    The repeat of an urgent run is urgent itself, so that the plan it went before still stands.
    """
    ended = situation.after_the_run(state)
    repeat = repeat_of(ended, plan, at=at, rule=rule, detail=detail)
    recurs = plan.kind is Kind.RECURRING
    after = max(now, plan.slot) if recurs else _behind_other(state, plan)
    standing = ended.state.plan
    if standing is not None and standing.on_the_rhythm:
        if standing.slot <= repeat.decision.due_at:
            return None
    elif pointless(ended, repeat, after=after, now=now):
        return None
    urgent = _was_urgent(situation)
    held = replace(state, urgent=repeat) if urgent else replace(state, plan=repeat)
    return plan_on(replace(ended, state=held), after=after, now=now)


def _was_urgent(situation: Situation) -> bool:
    return situation.lease is not None and situation.lease.urgent


def _behind_other(state: EndpointState, plan: Plan) -> datetime:
    """Return what the next recurring slot must lie behind after a run that was not recurring."""
    return plan.slot if state.last_slot is None else max(state.last_slot, plan.slot)
