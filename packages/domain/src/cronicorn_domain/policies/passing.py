"""Slots that pass without a run of their own, and the records they leave."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.hint import IntervalHint
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.backoff import stretched
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.rhythm import in_force, shortest_of
from cronicorn_domain.schedules.schedule import IntervalSchedule


def coalesce_passed(
    situation: Situation, plan: Plan, *, hint: IntervalHint | None, now: datetime
) -> Change:
    """
    Record the recurring slots that passed since ``plan``'s, while it ran.

    They are those that would have been planned had it ended at once: under the hint, behind the
    shortest and the backoff, and within the bounds. The newest becomes the last slot.
    """
    state = situation.state
    rhythm = in_force(situation, plan.slot, hint)
    if rhythm is None:
        return Change(state=state)
    ends_at = situation.endpoint.bounds.ends_at
    until = now if ends_at is None else min(now, ends_at)
    after = _first_planned(situation, plan.slot, hint) - MICROSECOND
    count = rhythm.count_between(after, until)
    first, last = rhythm.next_after(after), rhythm.latest_until(until)
    if not count or first is None or last is None:
        return Change(state=state)
    record = SlotRecord(
        fate=Fate.COALESCED,
        reason="passed while the run before lasted",
        first=first,
        last=last,
        count=count,
        recorded_at=now,
    )
    return Change(state=with_last_slot(state, last), records=(record,))


def coalesce_noted(change: Change, *, reason: str, now: datetime) -> Change:
    """Give up the slots that were noted for catching up, with a record."""
    state = change.state
    if not state.noted:
        return change
    record = SlotRecord(
        fate=Fate.COALESCED,
        reason=reason,
        first=state.noted[0],
        last=state.noted[-1],
        count=len(state.noted),
        recorded_at=now,
    )
    state = with_last_slot(replace(state, noted=()), record.last)
    return Change(state=state, records=(*change.records, record))


def with_last_slot(state: EndpointState, slot: datetime) -> EndpointState:
    """Move the last slot on to ``slot``, never back."""
    if state.last_slot is not None and state.last_slot >= slot:
        return state
    return replace(state, last_slot=slot)


def _first_planned(situation: Situation, slot: datetime, hint: IntervalHint | None) -> datetime:
    schedule, failures = situation.endpoint.schedule, situation.state.failures
    wait = shortest_of(situation)
    if failures and hint is None and isinstance(schedule, IntervalSchedule):
        wait = max(wait, stretched(schedule.every, failures))
    longest = situation.endpoint.guardrails.longest
    if longest is not None:
        wait = max(shortest_of(situation), min(wait, longest))
    return slot + wait
