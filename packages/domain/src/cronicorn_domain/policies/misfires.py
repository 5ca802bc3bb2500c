"""What becomes of recurring slots that were missed by more than the grace."""

from dataclasses import dataclass, replace
from datetime import datetime

from cronicorn_domain.model.decision import Decision, Plan, Rule, Weighed
from cronicorn_domain.model.endpoint import MisfirePolicy
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.attempts import continued
from cronicorn_domain.policies.catching_up import noted_plan
from cronicorn_domain.policies.due_instants import planned
from cronicorn_domain.policies.guardrails import latest_slot
from cronicorn_domain.policies.passing import accounted, joined, with_last_slot
from cronicorn_domain.policies.sequence import Span, slots_before, slots_between, source_at
from cronicorn_domain.policies.standing import candidate_again
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
    late = now - plan.decision.due_at
    return late > situation.endpoint.misfire.grace and plan.on_the_rhythm


def judge(situation: Situation, plan: Plan, now: datetime) -> Verdict:
    """Apply the endpoint's misfire policy to a plan that `is_misfire`."""
    behind = replace(with_last_slot(situation.state, plan.slot), failures=0)
    passed = replace(situation, state=behind)
    missed = slots_between(passed, after=accounted(behind, plan.slot), until=now)
    policy = situation.endpoint.misfire.policy
    if policy is MisfirePolicy.SKIP:
        return _skip(situation, plan, missed, now)
    if policy is MisfirePolicy.CATCH_UP and situation.endpoint.rhythm is not None:
        return _catch_up(passed, plan, missed, now)
    if missed is None:
        return Verdict(plan=_run_instead(situation, plan, plan.slot, now))
    older = _older(situation, plan, missed, most=1)
    return Verdict(
        plan=_run_instead(situation, plan, missed.last, now),
        records=_recorded(Fate.COALESCED, situation, plan, older, now),
    )


def _skip(situation: Situation, plan: Plan, missed: Span | None, now: datetime) -> Verdict:
    """Never two skips in a row: the slot after a skip runs, however late."""
    if situation.state.skipped:
        return Verdict(plan=plan)
    if missed is not None:
        older = _older(situation, plan, missed, most=1)
        records = _recorded(Fate.SKIPPED, situation, plan, older, now)
        newest = _planned_at(situation, plan, missed.last, behind=records[-1].last)
        if now - newest.decision.due_at <= situation.endpoint.misfire.grace:
            return Verdict(plan=newest, records=records)
    records = _recorded(Fate.SKIPPED, situation, plan, missed, now)
    return Verdict(plan=None, records=records, skipped_until=records[-1].last)


def _catch_up(situation: Situation, plan: Plan, missed: Span | None, now: datetime) -> Verdict:
    """Note the newest missed slots, oldest first; the first of them runs now."""
    most = situation.endpoint.misfire.catch_up_limit
    slots = [] if missed is None else _newest(situation, plan, missed, most)
    records: tuple[SlotRecord, ...] = ()
    if len(slots) < most:
        slots.insert(0, plan.slot)
    elif missed is not None:
        older = _older(situation, plan, missed, most=most)
        records = _recorded(Fate.COALESCED, situation, plan, older, now)
    first = continued(situation.state, noted_plan(situation, slots[0]))
    if first.slot == plan.slot:
        first = replace(first, origin=plan.origin)
    return Verdict(plan=first, records=records, noted=tuple(slots[1:]))


def _newest(situation: Situation, plan: Plan, missed: Span, most: int) -> list[datetime]:
    behind = replace(with_last_slot(situation.state, plan.slot), failures=0)
    after = accounted(behind, plan.slot)
    return slots_before(replace(situation, state=behind), after=after, span=missed, most=most)


def _older(situation: Situation, plan: Plan, missed: Span, *, most: int) -> Span | None:
    """Leave the newest ``most`` out of the slots missed behind the plan's own; None: no more."""
    if missed.count <= most:
        return None
    last = _newest(situation, plan, missed, most + 1)[0]
    return Span(missed.first, last, missed.count - most)


def _recorded(
    fate: Fate, situation: Situation, plan: Plan, behind: Span | None, now: datetime
) -> tuple[SlotRecord, ...]:
    own = Span(plan.slot, plan.slot, 1)
    spans = joined(situation.state, own, behind)
    return tuple(_record(fate, plan, span, now) for span in spans)


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
    moved = Plan(decision=decision, kind=plan.kind, origin=plan.origin, trace=plan.trace)
    return continued(situation.state, moved)


def _planned_at(situation: Situation, plan: Plan, slot: datetime, *, behind: datetime) -> Plan:
    """Plan another slot of the plan's sequence, with its own jitter: jitter is not lateness."""
    passed = replace(situation, state=with_last_slot(situation.state, behind))
    candidate = candidate_again(passed, plan, slot)
    return continued(situation.state, planned(passed, candidate, latest=latest_slot(passed)))


def _late(plan: Plan, now: datetime) -> str:
    return f"claimed {length_in_words(now - plan.decision.due_at)} late"
