"""Slots that pass without a run of their own, and the records they leave."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.sequence import Span, slots_between


def coalesce_passed(
    situation: Situation, *, after: datetime, until: datetime, now: datetime
) -> Change:
    """
    Record the slots in ``(after, until]`` that passed during a run; the newest is the last slot.
    """
    state = situation.state
    span = slots_between(situation, after=accounted(state, after), until=until)
    if span is None:
        return Change(state=state)
    record = coalesced(span, "passed while the run before lasted", now)
    return Change(state=with_last_slot(state, span.last), records=(record,))


def coalesce_noted(change: Change, *, reason: str, now: datetime) -> Change:
    """Give up the slots that were noted for catching up, with a record."""
    noted = change.state.noted
    if not noted:
        return change
    span = Span(noted[0], noted[-1], len(noted))
    state = with_last_slot(replace(change.state, noted=()), span.last)
    return Change(state=state, records=(*change.records, coalesced(span, reason, now)))


def coalesced(span: Span, reason: str, now: datetime) -> SlotRecord:
    """Record slots as coalesced."""
    return SlotRecord(
        fate=Fate.COALESCED,
        reason=reason,
        first=span.first,
        last=span.last,
        count=span.count,
        recorded_at=now,
    )


def accounted(state: EndpointState, slot: datetime) -> datetime:
    """Return the latest of a slot, the last slot, and the instant from which the rhythm holds."""
    known = (slot, state.last_slot, state.rhythm_from)
    return max(each for each in known if each is not None)


def with_last_slot(state: EndpointState, slot: datetime) -> EndpointState:
    """Move the last slot on to ``slot``, never back."""
    if state.last_slot is not None and state.last_slot >= slot:
        return state
    return replace(state, last_slot=slot)
