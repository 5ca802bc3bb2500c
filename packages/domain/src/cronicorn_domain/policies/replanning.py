"""Whatever changes an input of the governor between runs replans; a lease makes it wait."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Kind, Plan, Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.governor import next_recurring
from cronicorn_domain.policies.passing import coalesce_noted, with_last_slot
from cronicorn_domain.policies.rhythm import in_force, rhythm_of
from cronicorn_domain.policies.standing import hint_behind, plan_on


def plan_first(situation: Situation, now: datetime) -> Change:
    """Plan the first slot of a new endpoint."""
    return plan_on(situation, after=now, now=now)


def replan(situation: Situation, now: datetime) -> Change:
    """
    Plan again after hints, triggers, pauses, guardrails or other settings changed.

    While a lease lives, and for an archived or quarantined endpoint, nothing is planned.
    """
    if _unplanned(situation):
        return Change(state=situation.state)
    return plan_on(situation, after=now, now=now)


def plan_afresh(
    situation: Situation, now: datetime, reason: str, *, old: Endpoint | None = None
) -> Change:
    """
    Plan from ``now`` after an edit of schedule, zone or bounds, or a restore.

    ``old`` is the endpoint as it was before the edit. A recurring slot that had come, and what was
    noted for catching up, is recorded as coalesced for ``reason``. A repeat stands as it would
    have.
    """
    change = coalesce_noted(Change(state=situation.state), reason=reason, now=now)
    if _unplanned(situation):
        return change
    plan = change.state.plan
    if plan is not None and not plan.repeat:
        if _is_lost(situation, plan, now):
            before = situation if old is None else replace(situation, endpoint=old)
            record = _come_slots(before, plan, reason, now)
            state = with_last_slot(change.state, record.last)
            change = Change(state=state, records=(*change.records, record))
        if plan.origin is None or rhythm_of(situation.endpoint) is None:
            change = replace(change, state=replace(change.state, plan=None))
    after = plan_on(replace(situation, state=change.state), after=now, now=now)
    return replace(after, records=(*change.records, *after.records))


def reset_failures(situation: Situation, now: datetime) -> Change:
    """Set the consecutive failures to zero and plan without their backoff."""
    if not situation.state.failures:
        return Change(state=situation.state)
    return replan(replace(situation, state=replace(situation.state, failures=0)), now)


def skip_next_slot(situation: Situation, now: datetime) -> Change:
    """Pass the next recurring slot over, with a record; without one nothing changes."""
    state = situation.state
    slot = _next_recurring_slot(situation, now)
    if slot is None or _is_archived(situation):
        return Change(state=state)
    record = SlotRecord(
        fate=Fate.SKIPPED,
        reason="skipped on request",
        first=slot,
        last=slot,
        count=1,
        recorded_at=now,
    )
    noted = tuple(each for each in state.noted if each != slot)
    state = with_last_slot(replace(state, noted=noted), slot)
    if _unplanned(situation):
        return Change(state=state, records=(record,))
    if state.plan is not None and not state.plan.repeat:
        state = replace(state, plan=None)
    after = plan_on(replace(situation, state=state), after=max(now, slot), now=now)
    return replace(after, records=(record, *after.records))


def _unplanned(situation: Situation) -> bool:
    quarantined = situation.state.quarantine is not None
    return situation.lease is not None or quarantined or _is_archived(situation)


def _is_archived(situation: Situation) -> bool:
    return situation.endpoint.archived_at is not None


def _is_lost(situation: Situation, plan: Plan, now: datetime) -> bool:
    """
    An edit takes away a recurring slot that had come; a hint's stands as long as the hint does.
    """
    ended = plan.origin is None or rhythm_of(situation.endpoint) is None
    caught_up = plan.decision.source is Source.CATCH_UP
    return plan.kind is Kind.RECURRING and not caught_up and ended and plan.slot <= now


def _come_slots(before: Situation, plan: Plan, reason: str, now: datetime) -> SlotRecord:
    """Record the plan's slot and those that came after it, by the rhythm ``before`` the edit."""
    rhythm = in_force(before, plan.slot, hint_behind(before, plan))
    last = plan.slot if rhythm is None else rhythm.latest_until(now) or plan.slot
    return SlotRecord(
        fate=Fate.COALESCED,
        reason=reason,
        first=plan.slot,
        last=max(last, plan.slot),
        count=1 + (0 if rhythm is None else rhythm.count_between(plan.slot, now)),
        recorded_at=now,
    )


def _next_recurring_slot(situation: Situation, now: datetime) -> datetime | None:
    state = situation.state
    plan = state.plan
    standing = plan is not None and situation.lease is None and not plan.repeat
    if plan is not None and standing and plan.kind is Kind.RECURRING:
        return plan.slot
    following = next_recurring(situation, after=_behind(state, now), now=now)
    return None if following is None else following.slot


def _behind(state: EndpointState, now: datetime) -> datetime:
    plan = state.plan
    return now if plan is None or plan.kind is not Kind.RECURRING else max(now, plan.slot)
