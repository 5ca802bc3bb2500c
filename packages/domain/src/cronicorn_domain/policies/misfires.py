"""What becomes of recurring slots that were missed by more than the grace."""

from dataclasses import dataclass, replace
from datetime import datetime

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Decision, Plan, Rule, Weighed
from cronicorn_domain.model.endpoint import MisfirePolicy
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.attempts import continued
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.catching_up import noted_plan
from cronicorn_domain.policies.due_instants import planned
from cronicorn_domain.policies.passing import with_last_slot
from cronicorn_domain.policies.rhythm import rhythm_of
from cronicorn_domain.policies.sequence import Span, slots_before, slots_between, source_at
from cronicorn_domain.policies.standing import hint_behind
from cronicorn_domain.wording import length_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What the policy makes of a late claim.

    ``plan`` runs now, or at its due instant if that lies ahead. None: nothing does, and the slots
    up to ``skipped_until`` are passed over.
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
    return plan.on_the_rhythm and now - plan.decision.due_at > situation.endpoint.misfire.grace


def judge(situation: Situation, plan: Plan, now: datetime) -> Verdict:
    """Apply the endpoint's misfire policy to a plan that `is_misfire`."""
    behind = replace(with_last_slot(situation.state, plan.slot), failures=0)
    missed = slots_between(replace(situation, state=behind), after=plan.slot, until=now)
    policy = situation.endpoint.misfire.policy
    if policy is MisfirePolicy.SKIP:
        return _skip(situation, plan, missed, now)
    if policy is MisfirePolicy.CATCH_UP and rhythm_of(situation.endpoint) is not None:
        return _catch_up(replace(situation, state=behind), plan, missed, now)
    newest = plan.slot if missed is None else missed.last
    return Verdict(
        plan=_run_instead(situation, plan, newest, now),
        records=_older(situation, plan, missed, Fate.COALESCED, now),
    )


def _skip(situation: Situation, plan: Plan, missed: Span | None, now: datetime) -> Verdict:
    """Never two skips in a row: the slot after a skip runs, however late."""
    if situation.state.skipped:
        return Verdict(plan=plan)
    grace = situation.endpoint.misfire.grace
    if missed is not None:
        newest = _planned_at(situation, plan, missed.last)
        if now - newest.decision.due_at <= grace:
            return Verdict(plan=newest, records=_older(situation, plan, missed, Fate.SKIPPED, now))
    count = 1 if missed is None else missed.count + 1
    last = plan.slot if missed is None else missed.last
    record = _record(Fate.SKIPPED, plan, Span(plan.slot, last, count), now)
    return Verdict(plan=None, records=(record,), skipped_until=last)


def _catch_up(situation: Situation, plan: Plan, missed: Span | None, now: datetime) -> Verdict:
    """Note the newest missed slots, oldest first; the first of them runs now."""
    most = situation.endpoint.misfire.catch_up_limit
    slots: list[datetime] = []
    if missed is not None:
        slots = slots_before(situation, after=plan.slot, span=missed, most=most)
    total = 1 if missed is None else missed.count + 1
    if len(slots) < most:
        slots.insert(0, plan.slot)
    records: tuple[SlotRecord, ...] = ()
    if total > len(slots):
        last = slots[0] - MICROSECOND
        older = slots_between(situation, after=plan.slot, until=last)
        span = Span(plan.slot, plan.slot if older is None else older.last, total - len(slots))
        records = (_record(Fate.COALESCED, plan, span, now),)
    first = continued(situation.state, noted_plan(situation, slots[0]))
    return Verdict(plan=first, records=records, noted=tuple(slots[1:]))


def _older(
    situation: Situation, plan: Plan, missed: Span | None, fate: Fate, now: datetime
) -> tuple[SlotRecord, ...]:
    """Record the missed slots before the newest one, the plan's own first."""
    if missed is None:
        return ()
    last = plan.slot
    if missed.count > 1:
        behind = replace(with_last_slot(situation.state, plan.slot), failures=0)
        passed = replace(situation, state=behind)
        last = slots_before(passed, after=plan.slot, span=missed, most=2)[0]
    return (_record(fate, plan, Span(plan.slot, last, missed.count), now),)


def _record(fate: Fate, plan: Plan, span: Span, now: datetime) -> SlotRecord:
    return SlotRecord(
        fate=fate,
        reason=_late(plan, now),
        first=span.first,
        last=span.last,
        count=span.count,
        recorded_at=now,
    )


def _run_instead(situation: Situation, plan: Plan, slot: datetime, now: datetime) -> Plan:
    """Run the newest missed slot now; its lateness counts from its own instant."""
    line = Weighed(Rule.MISFIRE, now, _late(plan, now))
    trail = (*plan.decision.trail, line)
    if slot == plan.slot:
        return replace(plan, decision=replace(plan.decision, trail=trail))
    source = plan.decision.source
    if plan.origin is None:
        source = source_at(situation, slot, source)
    decision = Decision(slot=slot, due_at=slot, source=source, trail=trail)
    moved = Plan(decision=decision, kind=plan.kind, origin=plan.origin)
    return continued(situation.state, moved)


def _planned_at(situation: Situation, plan: Plan, slot: datetime) -> Plan:
    """Plan another slot of the plan's sequence, with its own jitter: jitter is not lateness."""
    candidate = Candidate(
        slot=slot,
        source=plan.decision.source,
        kind=plan.kind,
        trail=[*plan.decision.trail],
        hint=hint_behind(situation, plan),
        origin=plan.origin,
    )
    return continued(situation.state, planned(situation, candidate))


def _late(plan: Plan, now: datetime) -> str:
    return f"claimed {length_in_words(now - plan.decision.due_at)} late"
