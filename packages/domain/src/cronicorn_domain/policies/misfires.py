"""What becomes of recurring slots that were missed by more than the grace."""

from dataclasses import dataclass, replace
from datetime import datetime

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Decision, Kind, Plan, Rule, Source, Weighed
from cronicorn_domain.model.endpoint import MisfirePolicy
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.catching_up import noted_plan
from cronicorn_domain.policies.jitter import jitter_offset
from cronicorn_domain.policies.rhythm import in_force, rhythm_of
from cronicorn_domain.policies.standing import hint_behind
from cronicorn_domain.schedules.schedule import Rhythm
from cronicorn_domain.wording import length_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What the policy makes of a late claim.

    ``plan`` runs now; None: nothing does, and the slots up to ``skipped_until`` are passed over.
    """

    plan: Plan | None
    records: tuple[SlotRecord, ...] = ()
    noted: tuple[datetime, ...] = ()
    skipped_until: datetime | None = None


def is_misfire(situation: Situation, plan: Plan, now: datetime) -> bool:
    """
    Say whether a claim of ``plan`` at ``now`` is later than the grace allows.

    Only recurring slots can be; repeats and slots caught up are late by their nature.
    """
    exempt = plan.kind is not Kind.RECURRING or plan.repeat
    if exempt or plan.decision.source is Source.CATCH_UP:
        return False
    return now - plan.decision.due_at > situation.endpoint.misfire.grace


def judge(situation: Situation, plan: Plan, now: datetime) -> Verdict:
    """Apply the endpoint's misfire policy to a plan that `is_misfire`."""
    policy = situation.endpoint.misfire.policy
    rhythm = in_force(situation, plan.slot, hint_behind(situation, plan))
    if policy is MisfirePolicy.SKIP:
        return _skip(situation, plan, rhythm, now)
    if policy is MisfirePolicy.CATCH_UP and rhythm is not None:
        return _catch_up(situation, plan, rhythm, now)
    newest = _newest(situation, plan, rhythm, now)
    records = _older(plan, rhythm, newest, Fate.COALESCED, now)
    return Verdict(plan=_moved_to(situation, plan, newest, now), records=records)


def _skip(situation: Situation, plan: Plan, rhythm: Rhythm | None, now: datetime) -> Verdict:
    """Never two skips in a row: the slot after a skip runs, however late."""
    if situation.state.skipped:
        return Verdict(plan=plan)
    newest = _newest(situation, plan, rhythm, now)
    records = _older(plan, rhythm, newest, Fate.SKIPPED, now)
    if now - _jittered(situation, newest) <= situation.endpoint.misfire.grace:
        return Verdict(plan=_moved_to(situation, plan, newest, now), records=records)
    older = records[0].count if records else 0
    every = SlotRecord(
        fate=Fate.SKIPPED,
        reason=_late(plan, now),
        first=plan.slot,
        last=newest,
        count=older + 1,
        recorded_at=now,
    )
    return Verdict(plan=None, records=(every,), skipped_until=newest)


def _catch_up(situation: Situation, plan: Plan, rhythm: Rhythm, now: datetime) -> Verdict:
    """Note the newest missed slots, oldest first; the first of them runs now."""
    slot: datetime | None = _newest(situation, plan, rhythm, now)
    missed: list[datetime] = []
    while slot is not None and slot > plan.slot and len(missed) < _limit(situation):
        missed.append(slot)
        slot = rhythm.latest_until(slot - MICROSECOND)
    if len(missed) < _limit(situation):
        missed.append(plan.slot)
    missed.reverse()
    records = _older(plan, rhythm, missed[0], Fate.COALESCED, now)
    first = replace(noted_plan(situation, missed[0]), attempt=plan.attempt)
    if missed[0] != plan.slot:
        first = replace(first, attempt=1)
    return Verdict(plan=first, records=records, noted=tuple(missed[1:]))


def _limit(situation: Situation) -> int:
    return situation.endpoint.misfire.catch_up_limit


def _newest(situation: Situation, plan: Plan, rhythm: Rhythm | None, now: datetime) -> datetime:
    """
    Return the newest missed slot: at or before now, within the bounds, and not before the plan's.
    """
    ends_at = situation.endpoint.bounds.ends_at
    until = now if ends_at is None else min(now, ends_at)
    newest = None if rhythm is None else rhythm.latest_until(until)
    return plan.slot if newest is None else max(newest, plan.slot)


def _older(
    plan: Plan, rhythm: Rhythm | None, newest: datetime, fate: Fate, now: datetime
) -> tuple[SlotRecord, ...]:
    """Record the missed slots before the newest one, the plan's own first."""
    first = plan.slot
    if rhythm is None or newest <= first:
        return ()
    before = newest - MICROSECOND
    record = SlotRecord(
        fate=fate,
        reason=_late(plan, now),
        first=first,
        last=max(first, rhythm.latest_until(before) or first),
        count=1 + rhythm.count_between(first, before),
        recorded_at=now,
    )
    return (record,)


def _moved_to(situation: Situation, plan: Plan, slot: datetime, now: datetime) -> Plan:
    """Run the newest missed slot instead; its lateness counts from its own instant."""
    line = Weighed(Rule.MISFIRE, now, _late(plan, now))
    if slot == plan.slot:
        decision = replace(plan.decision, trail=(*plan.decision.trail, line))
        return replace(plan, decision=decision)
    decision = Decision(
        slot=slot,
        due_at=slot,
        source=_source_at(situation, plan, slot),
        trail=(*plan.decision.trail, line),
    )
    return Plan(decision=decision, kind=plan.kind, origin=plan.origin)


def _source_at(situation: Situation, plan: Plan, slot: datetime) -> Source:
    """Between the slots of its own rhythm only the longest can have put one."""
    rhythm = rhythm_of(situation.endpoint)
    on_grid = rhythm is None or rhythm.latest_until(slot) == slot
    return plan.decision.source if plan.origin is not None or on_grid else Source.CLAMPED_MAX


def _late(plan: Plan, now: datetime) -> str:
    return f"claimed {length_in_words(now - plan.decision.due_at)} late"


def _jittered(situation: Situation, slot: datetime) -> datetime:
    """Jitter is not lateness."""
    endpoint, rhythm = situation.endpoint, rhythm_of(situation.endpoint)
    following = None if rhythm is None else rhythm.next_after(slot)
    gap = None if following is None else following - slot
    return slot + jitter_offset(endpoint.id, slot, jitter=endpoint.jitter, gap=gap)
