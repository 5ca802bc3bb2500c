"""Whatever changes an input of the governor between runs replans; a lease makes it wait."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Kind, Plan
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.editing import changes_rhythm
from cronicorn_domain.policies.passing import (
    accounted,
    coalesce_noted,
    coalesce_passed,
    coalesced,
    joined,
    moved_over,
    slots_of,
    with_last_slot,
)
from cronicorn_domain.policies.repeats import forgiven
from cronicorn_domain.policies.sequence import (
    Span,
    next_recurring_slot,
    recurring_candidate,
    slots_between,
)
from cronicorn_domain.policies.standing import plan_on, still_planned


def plan_first(situation: Situation, now: datetime) -> Change:
    """Plan the first slot of a new endpoint."""
    return plan_on(situation, after=now, now=now)


def replan(situation: Situation, now: datetime, *, after: datetime | None = None) -> Change:
    """
    Plan again after hints, triggers, pauses, guardrails or other settings changed.

    What is planned anew lies behind ``after``, by default ``now``. While a lease lives, and for an
    archived or quarantined endpoint, nothing is planned.
    """
    if _unplanned(situation):
        return Change(state=situation.state)
    return plan_on(situation, after=now if after is None else after, now=now)


def plan_edited(before: Situation, after: Situation, now: datetime) -> Change:
    """
    Plan what an edit makes of ``before``: from now on, if it moves slots or bounds.

    Else what has ended unseen until now (a hint, a single run) first leaves its place by the
    endpoint as it was then.
    """
    old = before.endpoint
    if changes_rhythm(old, after.endpoint):
        return plan_afresh(after, now, "edited", old=old)
    if before.state != after.state:
        return replan(after, now)
    until_now = replan(before, now)
    change = replan(replace(after, state=until_now.state), now)
    return replace(change, records=(*until_now.records, *change.records))


def plan_afresh(
    situation: Situation, now: datetime, reason: str, *, old: Endpoint | None = None
) -> Change:
    """
    Plan from ``now`` after an edit of schedule, zone or bounds, or a restore.

    ``old`` is the endpoint as it was before the edit. Its recurring slots that had come, and what
    was noted for catching up, are recorded as coalesced for ``reason``. A repeat, and the plan of a
    hint that lives, stand.
    """
    before = situation if old is None else replace(situation, endpoint=old)
    change = coalesce_noted(Change(state=situation.state), reason=reason, now=now)
    for span in slots_that_came(before, now):
        state = with_last_slot(change.state, span.last)
        change = Change(state=state, records=(*change.records, coalesced(span, reason, now)))
    state = replace(change.state, rhythm_from=now)
    if not _same_slots(old, situation.endpoint):
        state = _unskipped(replace(situation, state=state), now)
    plan = state.plan
    if plan is not None and not plan.repeat and _is_over(situation, plan, now):
        state = replace(state, plan=None)
    if _unplanned(situation):
        return replace(change, state=state)
    after = plan_on(replace(situation, state=state), after=now, now=now)
    return replace(after, records=(*change.records, *after.records))


def reset_failures(situation: Situation, now: datetime) -> Change:
    """Set the consecutive failures to zero and plan without their backoff."""
    state = forgiven(situation.state, now, "the failures were reset")
    if state == situation.state:
        return Change(state=state)
    return replan(replace(situation, state=state), now)


def skip_next_slot(situation: Situation, now: datetime) -> Change:
    """Pass the next recurring slot over, with a record; without one nothing changes."""
    if not _unplanned(situation):
        # A plan whose hint has ended meanwhile is not the one to be passed over.
        situation = replace(situation, state=replan(situation, now).state)
    passed = _passed_so_far(situation, now)
    ahead = replace(situation, state=passed.state)
    slot = _next_slot(ahead, now)
    if slot is None or situation.endpoint.archived_at is not None:
        return Change(state=situation.state)
    state = passed.state
    skipped = SlotRecord(
        fate=Fate.SKIPPED,
        reason="skipped on request",
        first=slot,
        last=slot,
        count=1,
        recorded_at=now,
    )
    records = (*passed.records, skipped)
    noted = tuple(each for each in state.noted if each != slot)
    state = with_last_slot(replace(state, noted=noted), slot)
    plan = state.plan
    if plan is not None and plan.slot == slot and not plan.repeat and not _runs(situation):
        records = (*moved_over(situation, plan, now), skipped)
        state = replace(state, plan=None)
    if _unplanned(situation):
        return Change(state=state, records=records)
    after = plan_on(replace(situation, state=state), after=slot, now=now)
    return replace(after, records=(*records, *after.records))


def slots_that_came(before: Situation, now: datetime) -> tuple[Span, ...]:
    """
    Return the recurring slots up to ``now`` that no run has taken and no record tells of.

    Those of a plan that stands ahead of now, or that a living hint made, are none; nor are those
    noted for catching up.
    """
    state, plan = before.state, before.state.plan
    if plan is not None and plan.on_the_rhythm and not _runs(before):
        hinted = plan.origin is not None and still_planned(before, plan, now)
        return () if hinted or plan.first_slot > now else _from_plan(before, plan, now)
    if state.noted:
        state = with_last_slot(state, state.noted[-1])
    if plan is not None and plan.kind is Kind.RECURRING:
        state = with_last_slot(state, plan.slot)
    begun = accounted(state, before.endpoint.created_at)
    span = slots_between(replace(before, state=state), after=begun, until=now)
    return () if span is None else (span,)


def _from_plan(before: Situation, plan: Plan, now: datetime) -> tuple[Span, ...]:
    passed = replace(before, state=with_last_slot(before.state, plan.slot))
    later = slots_between(passed, after=accounted(passed.state, plan.slot), until=now)
    *own, last = slots_of(before, plan, until=now)
    return (*own, *joined(before.state, last, later))


def _unskipped(situation: Situation, now: datetime) -> EndpointState:
    """
    Forget a slot that was skipped ahead of time, and count from now: its schedule is another.

    Where the very same slot would be the next one again, it stays skipped, as its record says.
    """
    state = situation.state
    if state.last_slot is None or state.last_slot <= now:
        return state
    forgotten = replace(state, last_slot=now)
    following = next_recurring_slot(replace(situation, state=forgotten), after=now, now=now)
    return state if following == state.last_slot else forgotten


def _same_slots(old: Endpoint | None, new: Endpoint) -> bool:
    """Say whether the slots are where they were: an edit of an end or a count moves none."""
    return old is None or (old.schedule, old.anchor) == (new.schedule, new.anchor)


def _is_over(situation: Situation, plan: Plan, now: datetime) -> bool:
    """The schedule's own plan ends with the schedule; a hint's with the hint, or the rhythm."""
    if _runs(situation):
        return False
    if plan.origin is None or situation.endpoint.rhythm is None:
        return True
    return not still_planned(situation, plan, now)


def _passed_so_far(situation: Situation, now: datetime) -> Change:
    """
    Record what has passed while a recurring run, or its repeat, is under way.

    Its end would not come to it any more: the slot that is skipped lies behind. Like that one, they
    are counted without the failures, which the run may end.
    """
    state, plan = situation.state, situation.state.plan
    if plan is None or plan.kind is not Kind.RECURRING or state.noted:
        return Change(state=state)
    if not _runs(situation) and not plan.repeat:
        return Change(state=state)
    ended = replace(situation, state=replace(state, failures=0))
    passed = coalesce_passed(ended, after=plan.slot, until=now, now=now)
    return replace(passed, state=replace(passed.state, failures=state.failures))


def _next_slot(situation: Situation, now: datetime) -> datetime | None:
    """
    Return the next recurring slot: noted, planned, or the first behind the one that runs.

    A slot that has come while another kind of run is under way is still to be run. Failures put the
    next one off, unless a run is under way that may end them.
    """
    state, plan = situation.state, situation.state.plan
    if state.noted:
        return state.noted[0]
    after = now
    if plan is not None and plan.kind is Kind.RECURRING:
        if not _runs(situation) and not plan.repeat:
            return plan.slot
        state = replace(with_last_slot(state, plan.slot), last_end=plan.slot)
    elif plan is not None:
        after = accounted(state, min(now, plan.slot))
        if not _runs(situation):
            following = recurring_candidate(situation, after=after, now=now)
            return None if following is None else following.slot
    ahead = replace(situation, state=state)
    return next_recurring_slot(ahead, after=accounted(state, after), now=now)


def _runs(situation: Situation) -> bool:
    """Say whether the living lease is made of the standing plan, not of one that goes before."""
    return situation.lease is not None and not situation.lease.urgent


def _unplanned(situation: Situation) -> bool:
    quarantined = situation.state.quarantine is not None
    archived = situation.endpoint.archived_at is not None
    return situation.lease is not None or quarantined or archived
