"""Slots that pass without a run of their own, and the records they leave."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Plan, Rule
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.rhythm import rhythm_of
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


def span_of(situation: Situation, plan: Plan) -> Span:
    """Return a plan's slot with those before it that a late start made it move on from."""
    rhythm, first = rhythm_of(situation.endpoint), plan.first_slot
    if rhythm is None or first == plan.slot:
        return Span(plan.slot, plan.slot, 1)
    return Span(first, plan.slot, 1 + rhythm.count_between(first, plan.slot))


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
    line = next((each for each in plan.decision.trail if each.rule is Rule.MOVED_ON), None)
    rhythm = rhythm_of(situation.endpoint)
    if line is None or rhythm is None:
        return ()
    before = plan.slot - MICROSECOND
    deferred = line.detail == Rule.NOT_BEFORE
    return (
        SlotRecord(
            fate=Fate.DEFERRED if deferred else Fate.COALESCED,
            reason="could not start before the newest slot",
            first=line.instant,
            last=max(line.instant, rhythm.latest_until(before) or line.instant),
            count=1 + rhythm.count_between(line.instant, before),
            recorded_at=now,
        ),
    )


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
    """
    Return the latest of a slot, the last slot, those noted, and where the rhythm begins to hold.
    """
    known = (slot, state.last_slot, state.rhythm_from, *state.noted[-1:])
    return max(each for each in known if each is not None)


def with_last_slot(state: EndpointState, slot: datetime) -> EndpointState:
    """Move the last slot on to ``slot``, never back."""
    if state.last_slot is not None and state.last_slot >= slot:
        return state
    return replace(state, last_slot=slot)
