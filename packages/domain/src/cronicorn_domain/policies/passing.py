"""Slots that pass without a run of their own, and the records they leave."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Plan, Rule
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.sequence import Span, counted, slots_between


def coalesce_passed(
    situation: Situation, *, after: datetime, until: datetime, now: datetime
) -> Change:
    """
    Record the slots behind the slot ``after`` until ``until`` that passed during its run.

    The newest of them is the last slot.
    """
    state = with_last_slot(situation.state, after)
    behind = situation if state is situation.state else replace(situation, state=state)
    span = slots_between(behind, after=accounted(behind.state, after), until=until)
    if span is None:
        return Change(state=situation.state)
    record = coalesced(span, "passed before the run ahead of them had ended", now)
    return Change(state=with_last_slot(situation.state, span.last), records=(record,))


def coalesce_noted(change: Change, *, reason: str, now: datetime) -> Change:
    """
    Give up the slots that were noted for catching up, with a record.

    Where the one between them was skipped while the first was claimed, each side has its own.
    """
    noted, last = change.state.noted, change.state.last_slot
    if not noted:
        return change
    before = [slot for slot in noted if last is not None and slot < last]
    sides = [side for side in (before, noted[len(before) :]) if side]
    records = [coalesced(Span(side[0], side[-1], len(side)), reason, now) for side in sides]
    state = with_last_slot(replace(change.state, noted=()), noted[-1])
    return Change(state=state, records=(*change.records, *records))


def slots_of(situation: Situation, plan: Plan, *, until: datetime) -> tuple[Span, ...]:
    """
    Return a plan's slot with those before it that a late start made it move on from.

    Only those at or before ``until`` are told of, and none that a record tells of.
    """
    rhythm, first, state = situation.endpoint.rhythm, plan.first_slot, situation.state
    until = min(until, plan.slot)
    behind = None if rhythm is None else counted(rhythm, accounted(state, first), until)
    return joined(state, Span(first, first, 1), behind)


def joined(state: EndpointState, own: Span, behind: Span | None) -> tuple[Span, ...]:
    """
    Return a plan's own slots and those behind it: as one, unless what lies between is told of.

    That is so after a slot was skipped, or the rhythm began anew, while a claim of the plan lived.
    """
    if behind is None:
        return (own,)
    if accounted(state, own.last) > own.last:
        return (own, behind)
    return (Span(own.first, behind.last, own.count + behind.count),)


def moved_over(situation: Situation, plan: Plan, now: datetime) -> tuple[SlotRecord, ...]:
    """Record the slots that a late start made the plan move on from."""
    line = plan.moved_on
    if line is None:
        return ()
    fate, reason = Fate.COALESCED, "could not start before the newest slot"
    if line.detail == Rule.NOT_BEFORE:
        fate, why = Fate.DEFERRED, situation.state.not_before_reason
        reason = f"{reason}, since {why}" if why else reason
    spans = slots_of(situation, plan, until=plan.slot - MICROSECOND)
    return tuple(_record(fate, each, reason, now) for each in spans)


def coalesced(span: Span, reason: str, now: datetime) -> SlotRecord:
    """Record slots as coalesced."""
    return _record(Fate.COALESCED, span, reason, now)


def accounted(state: EndpointState, slot: datetime) -> datetime:
    """
    Return the latest of a slot, the last slot, those noted, and where the rhythm begins to hold.
    """
    latest = slot
    for known in (state.last_slot, state.rhythm_from, *state.noted[-1:]):
        if known is not None and known > latest:
            latest = known
    return latest


def with_last_slot(state: EndpointState, slot: datetime) -> EndpointState:
    """Move the last slot on to ``slot``, never back."""
    if state.last_slot is not None and state.last_slot >= slot:
        return state
    return state.with_last_slot(slot)


def slot_before(state: EndpointState) -> datetime | None:
    """Return the last slot, if the rhythm is still the one that it was a slot of."""
    last, begun = state.last_slot, state.rhythm_from
    return None if last is not None and begun is not None and last <= begun else last


def _record(fate: Fate, span: Span, reason: str, now: datetime) -> SlotRecord:
    return SlotRecord(
        fate=fate,
        reason=reason,
        first=span.first,
        last=span.last,
        count=span.count,
        recorded_at=now,
    )
