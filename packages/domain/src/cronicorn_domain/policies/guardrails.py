"""Steps 4 and 5 for slots: the shortest moves them apart, the longest pulls them in."""

from datetime import datetime, timedelta

from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.decision import Kind, Rule, Source, Weighed
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.baseline import reference_slot
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.oneshots import untaken
from cronicorn_domain.policies.rhythm import first_at_or_after, shortest_of
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.wording import length_in_words


def keep_shortest(situation: Situation, candidate: Candidate) -> None:
    """
    Move a recurring slot that lies too close behind the last one to the first slot far enough.

    A hint's slot, and one of an interval below the shortest, moves exactly there. Where the next
    slot of the grid lies more than the shortest further on, the slot stays and only its start
    waits.
    """
    rhythm, last = situation.endpoint.rhythm, situation.state.last_slot
    if candidate.kind is not Kind.RECURRING or rhythm is None or last is None:
        return
    shortest = shortest_of(situation)
    earliest = last + shortest
    if candidate.slot >= earliest:
        return
    moved: datetime | None = earliest
    if candidate.hint is None and not (isinstance(rhythm, Grid) and rhythm.step < shortest):
        moved = first_at_or_after(rhythm, earliest)
    if moved is None or moved - candidate.slot > shortest:
        return
    _move(candidate, moved, Source.CLAMPED_MIN, Rule.SHORTEST_SLOT, length_in_words(shortest))


def latest_slot(situation: Situation) -> datetime | None:
    """
    Return the instant behind which no slot may lie, as it stands whatever the time is.

    The longest, counted from the last slot in whole lengths until after the last end; where the
    shortest demands more, the shortest stands. None where no longest holds.
    """
    limit, last = _longest_limit(situation), situation.state.last_slot
    if limit is None or last is None:
        return limit
    return max(limit, last + shortest_of(situation))


def latest_allowed(situation: Situation, now: datetime) -> tuple[datetime, Source] | None:
    """
    Return the instant behind which no slot may lie now, and the source of a slot moved there.

    A limit that has passed means now.
    """
    allowed = _longest_limit(situation)
    if allowed is None:
        return None
    if allowed <= now:
        allowed = untaken(situation.state, floor_millisecond(now))
    last = situation.state.last_slot
    earliest = None if last is None else last + shortest_of(situation)
    if earliest is not None and earliest > allowed:
        return earliest, Source.CLAMPED_MIN
    return allowed, Source.CLAMPED_MAX


def keep_longest(candidate: Candidate, allowed: tuple[datetime, Source] | None) -> None:
    """
    Move a slot of any kind that lies behind the latest allowed instant to it, as a recurring one.

    It is the guardrail's then, and stands whatever becomes of the hint that proposed a later one.
    """
    if allowed is None or candidate.slot <= allowed[0]:
        return
    candidate.kind, candidate.hint, candidate.origin = Kind.RECURRING, None, None
    _move(candidate, allowed[0], allowed[1], Rule.LONGEST, "")


def _move(candidate: Candidate, slot: datetime, source: Source, rule: Rule, detail: str) -> None:
    candidate.slot, candidate.source = slot, source
    candidate.trail.append(Weighed(rule, slot, detail))


def _longest_limit(situation: Situation) -> datetime | None:
    longest = situation.endpoint.guardrails.longest
    if longest is None or situation.endpoint.rhythm is None:
        return None
    return _whole_lengths(reference_slot(situation), longest, situation.state.last_end)


def _whole_lengths(start: datetime, length: timedelta, past: datetime | None) -> datetime:
    if past is None or past < start:
        return start + length
    return start + ((past - start) // length + 1) * length
