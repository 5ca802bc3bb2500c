"""Step 2: an interval hint replaces the recurring candidate while it lives."""

from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.decision import Kind, Rule, Source, Weighed
from cronicorn_domain.model.hint import Author, IntervalHint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.baseline import baseline, reference_slot
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.guardrails import keep_shortest
from cronicorn_domain.policies.oneshots import untaken
from cronicorn_domain.policies.rhythm import shortest_of
from cronicorn_domain.wording import length_in_words


@dataclass(slots=True)
class _GaveWay:
    """The hints that could not act before their end, and how long they still hold others back."""

    hints: list[IntervalHint]
    trail: list[Weighed]

    def outlived_by(self, hint: IntervalHint) -> bool:
        return all(hint.expires_at > gone.expires_at for gone in self.hints)

    def hold_for(self, hint: IntervalHint) -> datetime | None:
        """A longer one that gave way still keeps a shorter one from acting before its own end."""
        ends = [gone.expires_at for gone in self.hints if gone.every > hint.every]
        return max(ends, default=None)


def recurring(situation: Situation, after: datetime, now: datetime) -> Candidate | None:
    """
    Return the recurring candidate: an interval hint's if one can act, else the baseline's.

    A person's hint goes before any other, then the newest. One whose candidate, brought to the
    shortest, would lie at or behind its end gives way to what holds then.
    """
    starts_at = situation.endpoint.bounds.starts_at
    if starts_at is not None and now < starts_at:
        # Decided as of the start, so that a replan after it comes to the same.
        now = starts_at
        first = baseline(situation, after)
        if first is None or first.slot == starts_at:
            return first
    hints = ranked_hints(situation, now)
    if not hints:
        return baseline(situation, after)
    gave_way = _GaveWay([], [])
    for hint in hints:
        if not gave_way.outlived_by(hint):
            continue
        slot = _slot_of(situation, hint, gave_way.hold_for(hint), now)
        if _brought_to_shortest(situation, slot) < hint.expires_at:
            return _no_later_than_baseline(situation, hint, slot, after, gave_way)
        gave_way.hints.append(hint)
        gave_way.trail.append(Weighed(Rule.HINT_GIVES_WAY, slot, describe_hint(hint)))
    return _baseline_behind(situation, after, gave_way)


def ranked_hints(situation: Situation, now: datetime) -> list[IntervalHint]:
    """Return the active interval hints that apply, the first in rank first."""
    if not situation.hints or situation.endpoint.rhythm is None:
        return []
    active = [
        hint for hint in situation.hints if isinstance(hint, IntervalHint) and hint.expires_at > now
    ]
    active.sort(
        key=lambda hint: (hint.author is Author.API, hint.created_at, hint.id), reverse=True
    )
    return active


def describe_hint(hint: IntervalHint) -> str:
    """Say in a few words what a hint proposes, and why."""
    reason = f" ({hint.reason})" if hint.reason else ""
    return f"{hint.author}: every {length_in_words(hint.every)}{reason}"


def _slot_of(
    situation: Situation, hint: IntervalHint, hold: datetime | None, now: datetime
) -> datetime:
    reference, last_end = reference_slot(situation), situation.state.last_end
    times = 1
    if last_end is not None and last_end >= reference:
        times = (last_end - reference) // hint.every + 1
    slot = reference + times * hint.every
    if hold is not None:
        slot = max(slot, hold)
    return slot if slot > now else untaken(situation.state, floor_millisecond(now))


def _brought_to_shortest(situation: Situation, slot: datetime) -> datetime:
    last = situation.state.last_slot
    return slot if last is None else max(slot, last + shortest_of(situation))


def _no_later_than_baseline(
    situation: Situation,
    hint: IntervalHint,
    slot: datetime,
    after: datetime,
    gave_way: _GaveWay,
) -> Candidate | None:
    """A hint that tightens never makes a gap longer than the schedule would (ADR 0013)."""
    candidate = _candidate(hint, slot, gave_way.trail)
    if _relaxes(situation, hint, slot):
        return candidate
    regular = baseline(situation, after)
    if regular is None:
        return candidate
    for each in (candidate, regular):
        keep_shortest(situation, each)
    if regular.slot >= candidate.slot:
        return candidate
    regular.trail[:0] = candidate.trail
    return regular


def _candidate(hint: IntervalHint, slot: datetime, trail: list[Weighed]) -> Candidate:
    return Candidate(
        slot=slot,
        source=Source(f"{hint.author}-interval"),
        kind=Kind.RECURRING,
        trail=[*trail, Weighed(Rule.INTERVAL_HINT, slot, describe_hint(hint))],
        hint=hint,
        origin=hint.id,
    )


def _baseline_behind(situation: Situation, after: datetime, gave_way: _GaveWay) -> Candidate | None:
    """A hint that relaxed holds to its end; one that tightened never makes a gap longer."""
    relaxed_until = [
        hint.expires_at for hint in gave_way.hints if _relaxes(situation, hint, hint.expires_at)
    ]
    candidate = baseline(situation, max([after, *relaxed_until]))
    if candidate is not None:
        candidate.trail[:0] = gave_way.trail
    return candidate


def _relaxes(situation: Situation, hint: IntervalHint, instant: datetime) -> bool:
    """Say whether a hint's interval is longer than the schedule's gap around an instant."""
    rhythm = situation.endpoint.rhythm
    if rhythm is None:
        return False
    before, behind = rhythm.latest_until(instant), rhythm.next_after(instant)
    return before is None or behind is None or hint.every > behind - before
