"""Steps 4 and 6 for starts: from a slot to the instant at which its run may start."""

from datetime import datetime, timedelta
from functools import lru_cache

from cronicorn_domain.instants import ceil_millisecond
from cronicorn_domain.model.decision import Decision, Kind, Plan, Rule, Source, Weighed
from cronicorn_domain.model.hint import IntervalHint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.jitter import jitter_offset
from cronicorn_domain.policies.passing import accounted
from cronicorn_domain.policies.rhythm import shortest_of

TIMING_RULES = frozenset({Rule.JITTER, Rule.SHORTEST_START, Rule.NOT_BEFORE})
"""The lines of a trail that belong to the start, and are weighed anew when a plan stands."""

_SLOTS_AGAIN = frozenset({Source.RETRY, Source.CATCH_UP})
"""Repeats and slots caught up: they keep their slot, have no jitter and know only the floor."""


def planned(situation: Situation, candidate: Candidate, *, latest: datetime | None = None) -> Plan:
    """
    Give a candidate its due instant, and so make it a plan.

    Jitter delays a recurring slot, but not past ``latest``; the start keeps nine tenths of the
    shortest from the last start, and nothing is due before ``not_before``. A slot that would so
    start later than jitter and misfire grace allow moves on to the newest one at or before that
    instant.
    """
    earliest, rule = earliest_start(situation, kind=candidate.kind, source=candidate.source)
    due_at = candidate.slot if earliest is None else max(candidate.slot, earliest)
    if due_at > candidate.slot:
        _move_on(situation, candidate, due_at, rule)
    jittered = _jittered(situation, candidate, latest)
    if jittered > due_at:
        due_at = jittered
        candidate.trail.append(Weighed(Rule.JITTER, due_at))
    elif earliest is not None and due_at == earliest and due_at > candidate.slot:
        candidate.trail.append(put_off(situation, rule, due_at))
    decision = Decision(
        slot=candidate.slot, due_at=due_at, source=candidate.source, trail=tuple(candidate.trail)
    )
    return Plan(
        decision=decision, kind=candidate.kind, origin=candidate.origin, trace=candidate.trace
    )


def earliest_start(
    situation: Situation, *, kind: Kind, source: Source
) -> tuple[datetime | None, Rule]:
    """
    Return the instant before which no such run may start, and the rule that says so; None: any.

    Starts lie nine tenths of the shortest apart: the full length would turn each delay into a
    drift. Runs by hand, repeats and slots caught up know only the tenant's floor.
    """
    state = situation.state
    apart = None
    if state.last_start is not None:
        only_floor = kind is Kind.MANUAL or source in _SLOTS_AGAIN
        shortest = situation.floor if only_floor else shortest_of(situation)
        apart = ceil_millisecond(state.last_start + _nine_tenths(shortest))
    if state.not_before is not None and (apart is None or state.not_before > apart):
        return state.not_before, Rule.NOT_BEFORE
    return apart, Rule.SHORTEST_START


def put_off(situation: Situation, rule: Rule, until: datetime) -> Weighed:
    """Return the line that tells why a run starts no sooner."""
    why = situation.state.not_before_reason if rule is Rule.NOT_BEFORE else None
    return Weighed(rule, until, why or "")


@lru_cache(maxsize=1024)
def _nine_tenths(length: timedelta) -> timedelta:
    return length * 9 // 10


def _move_on(situation: Situation, candidate: Candidate, start: datetime, rule: Rule) -> None:
    endpoint = situation.endpoint
    rhythm = endpoint.rhythm
    fixed = candidate.kind is not Kind.RECURRING or candidate.hint is not None or rhythm is None
    if fixed or candidate.source in _SLOTS_AGAIN:
        return
    if start - candidate.slot <= endpoint.jitter + endpoint.misfire.grace:
        return
    assert rhythm is not None  # a fixed candidate has returned
    ends_at = endpoint.bounds.ends_at
    newest = rhythm.latest_until(start if ends_at is None else min(start, ends_at))
    if newest is not None and newest > accounted(situation.state, candidate.slot):
        candidate.trail.append(Weighed(Rule.MOVED_ON, candidate.slot, rule.value))
        candidate.slot = newest


def _jittered(situation: Situation, candidate: Candidate, latest: datetime | None) -> datetime:
    """Delay a slot by jitter: recurring ones only, and not what is caught up."""
    endpoint, slot = situation.endpoint, candidate.slot
    if not endpoint.jitter or candidate.kind is not Kind.RECURRING:
        return slot
    if endpoint.rhythm is None or candidate.source in _SLOTS_AGAIN:
        return slot
    gap = _gap(situation, slot, candidate.hint)
    jittered = slot + jitter_offset(endpoint.id, slot, jitter=endpoint.jitter, gap=gap)
    return jittered if latest is None else min(jittered, max(latest, slot))


def _gap(situation: Situation, slot: datetime, hint: IntervalHint | None) -> timedelta | None:
    if hint is not None:
        return hint.every
    rhythm = situation.endpoint.rhythm
    following = None if rhythm is None else rhythm.next_after(slot)
    return None if following is None else following - slot
