"""The recurring slots of a span: those that would be planned if each were passed over."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.hint import Hint, IntervalHint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.baseline import reference_slot
from cronicorn_domain.policies.bounds import used_up
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.guardrails import keep_longest, keep_shortest, latest_allowed
from cronicorn_domain.policies.interval_hints import recurring
from cronicorn_domain.policies.rhythm import shortest_of
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.schedules.schedule import Rhythm

EXACT_MOST = 100
"""So many slots of a span are planned one by one; the rest of it is counted by the rhythm."""

_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
_FIELDS_WITH_SECONDS = 6


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive recurring slots."""

    first: datetime
    last: datetime
    count: int


def recurring_candidate(
    situation: Situation, *, after: datetime, now: datetime
) -> Candidate | None:
    """Return the next recurring slot under hints, guardrails and bounds; None: no more."""
    candidate = recurring(situation, after, now)
    if candidate is None:
        return None
    keep_shortest(situation, candidate)
    keep_longest(candidate, latest_allowed(situation, now))
    ends_at = situation.endpoint.bounds.ends_at
    return None if ends_at is not None and candidate.slot > ends_at else candidate


def next_recurring_slot(situation: Situation, *, after: datetime, now: datetime) -> datetime | None:
    """Return the next recurring slot without backoff, one-shots and slots noted; None: no more."""
    if used_up(situation):
        return None
    alone = replace(situation, state=replace(situation.state, failures=0))
    last = situation.state.last_slot
    after = after if last is None else max(after, last)
    candidate = recurring_candidate(alone, after=after, now=now)
    return None if candidate is None else candidate.slot


def slots_between(situation: Situation, *, after: datetime, until: datetime) -> Span | None:
    """
    Return the recurring slots in ``(after, until]``; None: there are none.

    Up to ``after`` all are accounted for; distances are counted from the state's last slot. Hints
    act from when they were written until they end, and failures stretch the intervals; a finished
    schedule has no slots. Behind a hundred slots of an uneven rhythm the rest is counted by the
    schedule alone.
    """
    if used_up(situation):
        return None
    ends_at = situation.endpoint.bounds.ends_at
    until = until if ends_at is None else min(until, ends_at)
    if until <= after:
        return None
    if _too_early(situation, after, until):
        return None
    even = _even_rhythm(situation)
    if even is not None and _is_apart(situation, even, after):
        return counted(even, after, until)
    first, last, count = None, after, 0
    for slot in _one_by_one(situation, after, until):
        first, last, count = first or slot, slot, count + 1
        if count == EXACT_MOST:
            return _rest(situation, Span(first, last, count), until)
    return None if first is None else Span(first, last, count)


def slots_before(situation: Situation, *, after: datetime, span: Span, most: int) -> list[datetime]:
    """Return the newest ``most`` slots of a span that began behind ``after``, the oldest first."""
    even = _even_rhythm(situation)
    if even is not None:
        return _stepped_back(even, until=span.last, first=span.first, most=most)
    exact = list(islice(_one_by_one(situation, after, span.last), EXACT_MOST))
    rhythm, rest = situation.endpoint.rhythm, span.count - len(exact)
    if rhythm is not None and rest > 0:
        behind = exact[-1] + MICROSECOND
        exact += _stepped_back(rhythm, until=span.last, first=behind, most=min(most, rest))
    return exact[-most:]


def _stepped_back(rhythm: Rhythm, *, until: datetime, first: datetime, most: int) -> list[datetime]:
    found: list[datetime] = []
    slot: datetime | None = until
    while slot is not None and slot >= first and len(found) < most:
        found.append(slot)
        slot = rhythm.latest_until(slot - MICROSECOND)
    return found[::-1]


def _even_rhythm(situation: Situation) -> Rhythm | None:
    """Return the rhythm if nothing but the schedule has a say in it, so that it can be counted."""
    endpoint, shortest = situation.endpoint, shortest_of(situation)
    rhythm = endpoint.rhythm
    if _hinted(situation):
        return None
    match rhythm:
        case Grid(step=step):
            return rhythm if step >= shortest and not situation.state.failures else None
        case CronSchedule(expression=expression):
            seconds = len(expression.text.split()) == _FIELDS_WITH_SECONDS
            apart = shortest <= (_SECOND if seconds else _MINUTE)
            return rhythm if apart and endpoint.guardrails.longest is None else None
        case None:
            return None


def _is_apart(situation: Situation, rhythm: Rhythm, after: datetime) -> bool:
    """Say whether the guardrails leave the rhythm's next slot alone; the last may lie off it."""
    last, following = situation.state.last_slot, rhythm.next_after(after)
    if following is None:
        return True
    if last is not None and following - last < shortest_of(situation):
        return False
    longest = situation.endpoint.guardrails.longest
    return longest is None or following <= reference_slot(situation) + longest


def _hinted(situation: Situation) -> bool:
    """Say whether an interval hint may have a say, alive or not."""
    return bool(situation.hints) and any(isinstance(hint, IntervalHint) for hint in situation.hints)


def _too_early(situation: Situation, after: datetime, until: datetime) -> bool:
    """Say whether nothing can have come, to spare planning after each quick run."""
    rhythm, longest = situation.endpoint.rhythm, situation.endpoint.guardrails.longest
    if rhythm is None or _hinted(situation):
        return False
    if longest is not None and reference_slot(situation) + longest <= until:
        return False
    following = rhythm.next_after(after)
    return following is None or following > until


def counted(rhythm: Rhythm, after: datetime, until: datetime) -> Span | None:
    """Count a rhythm's slots in ``(after, until]`` without stepping; None: there are none."""
    first = rhythm.next_after(after)
    if first is None or first > until:
        return None
    last = rhythm.latest_until(until)
    return Span(first, last or first, rhythm.count_between(after, until))


def _one_by_one(situation: Situation, after: datetime, until: datetime) -> Iterator[datetime]:
    """
    Plan slot after slot, as if each had been passed over the moment it came.

    ``after`` need not be a slot (the rhythm may begin there): the first distance is counted from
    the last slot. Nobody started, so the latest start has no say.
    """
    passed = replace(situation.state, last_end=after, last_start=None)
    slot = after
    while True:
        following = _following(replace(situation, state=passed), slot, until)
        if following is None:
            return
        slot = following
        passed = replace(passed, last_slot=slot, last_end=slot)
        yield slot


def _following(situation: Situation, slot: datetime, until: datetime) -> datetime | None:
    """
    Return the slot that follows a passed one, at or before ``until``; None: none does.

    A hint had no say before it was written, and had everything planned anew when it was.
    """
    planned_at = slot
    while True:
        known = situation.known_at(planned_at)
        candidate = recurring_candidate(known, after=planned_at, now=planned_at)
        comes = until if candidate is None else min(candidate.slot, until)
        written = [hint.created_at for hint in situation.hints if _between(planned_at, hint, comes)]
        if not written:
            return None if candidate is None or candidate.slot > until else candidate.slot
        planned_at = min(written)


def _between(planned_at: datetime, hint: Hint, comes: datetime) -> bool:
    return isinstance(hint, IntervalHint) and planned_at < hint.created_at < comes


def _rest(situation: Situation, span: Span, until: datetime) -> Span:
    rhythm = situation.endpoint.rhythm
    rest = None if rhythm is None else counted(rhythm, span.last, until)
    return span if rest is None else Span(span.first, rest.last, span.count + rest.count)


def source_at(situation: Situation, slot: datetime, planned: Source) -> Source:
    """Name the source of another slot of a plan's sequence: on the rhythm, or put there."""
    rhythm = situation.endpoint.rhythm
    if rhythm is None or rhythm.latest_until(slot) == slot:
        return planned
    close = isinstance(rhythm, Grid) and rhythm.step < shortest_of(situation)
    return Source.CLAMPED_MIN if close else Source.CLAMPED_MAX
