"""Why an instant was chosen: the trail of the decision, line by line, and where each line lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from typing import Final

from cronicorn_domain.model.decision import Decision, Rule, Source, Weighed
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Author
from cronicorn_domain.policies.due_instants import TIMING_RULES
from cronicorn_domain.policies.explaining import WritesInstants, describe_schedule
from cronicorn_domain.wording import instant_in_words

from cronicorn_api.pages.frame.shapes import interval, length
from cronicorn_api.pages.timeline.sources import author_words

_LEFT: Final = 3.0
_RIGHT: Final = 97.0
_NAMES: Final[Mapping[Rule, str]] = {
    Rule.BASELINE: "Schedule",
    Rule.BACKOFF: "Back-off",
    Rule.INTERVAL_HINT: "Interval hint",
    Rule.HINT_GIVES_WAY: "Interval hint",
    Rule.ONESHOT: "One-shot hint",
    Rule.TRIGGER: "Trigger",
    Rule.MANUAL: "Run now",
    Rule.RETRY: "Retry",
    Rule.LOST_RUN: "Lost run",
    Rule.FORGIVEN: "Last attempt",
    Rule.CATCH_UP: "Catch-up",
    Rule.SHORTEST_SLOT: "Shortest interval",
    Rule.SHORTEST_START: "Distance of starts",
    Rule.LONGEST: "Longest interval",
    Rule.JITTER: "Jitter",
    Rule.NOT_BEFORE: "Not before",
    Rule.MOVED_ON: "Late start",
    Rule.MISFIRE: "Misfire",
}
_ASIDE: Final = frozenset({Rule.HINT_GIVES_WAY, Rule.FORGIVEN, Rule.MOVED_ON, Rule.MISFIRE})
"""Lines that tell what was passed over, and choose nothing."""
_BASELINES: Final = frozenset({Rule.BASELINE, Rule.BACKOFF})
_CHOOSING: Final[Mapping[Source, frozenset[Rule]]] = {
    Source.BASELINE_CRON: _BASELINES,
    Source.BASELINE_INTERVAL: _BASELINES,
    Source.BASELINE_ONCE: _BASELINES,
    Source.CLAMPED_MIN: frozenset({Rule.SHORTEST_SLOT, Rule.LONGEST}),
    Source.CLAMPED_MAX: frozenset({Rule.LONGEST}),
    Source.MANUAL: frozenset({Rule.MANUAL}),
    Source.TRIGGER: frozenset({Rule.TRIGGER}),
    Source.RETRY: frozenset({Rule.RETRY, Rule.LOST_RUN}),
    Source.CATCH_UP: frozenset({Rule.CATCH_UP}),
}
_MOVING: Final = frozenset({Rule.SHORTEST_SLOT, Rule.LONGEST, Rule.BACKOFF})
_HINTS: Final = frozenset({Rule.INTERVAL_HINT, Rule.ONESHOT})
_OF_AUTHORS: Final = frozenset({Rule.INTERVAL_HINT, Rule.HINT_GIVES_WAY})
"""Lines whose details begin with who gave the hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    A line of the table.

    Attributes:
        number: Its place among what was weighed; 0 for what only stands beside that.
        rule: What weighed.
        name: What that is called.
        detail: What else is worth knowing, in the words of whoever proposed it.
        instant: The instant it stands for; None: it names a length alone.
        x: Where that lies, in percent, on the log scale since the last slot; None: nowhere.
        from_x: From where it moved; None: it did not move anything.
        result: What became of it.
        wins: Whether it chose the slot.
    """

    number: int
    rule: Rule
    name: str
    detail: str
    instant: datetime | None
    x: float | None
    from_x: float | None
    result: str
    wins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """
    A decision as a table with one drawn column.

    Attributes:
        steps: What was weighed, in order. Before it stands what the schedule alone would have
            said, where it was not weighed; at the end guardrails that did not act.
        slot: The slot that was chosen.
        due_at: When it may start.
        since: From which slot on instants are drawn; None: from nowhere, and nothing is drawn.
        forbidden: How far the shortest interval forbids, in percent.
    """

    steps: Sequence[Step]
    slot: datetime
    due_at: datetime
    since: datetime | None
    forbidden: float | None


def why_of(
    decision: Decision,
    *,
    since: datetime | None,
    endpoint: Endpoint | None,
    at: WritesInstants = instant_in_words,
) -> Why:
    """
    Tell a decision; ``at`` writes instants.

    ``since`` is the slot before it. ``endpoint`` is given where it still is what it was then: what
    its schedule alone would have said, and its guardrails would have done, stand beside the steps.
    """
    shortest, longest = _guardrails(endpoint)
    schedule = "" if endpoint is None else describe_schedule(endpoint, at=at)
    scheduled = _scheduled(decision, since, endpoint)
    edges = [] if since is None else [since + each for each in (shortest, longest) if each]
    edges += [] if scheduled is None else [scheduled]
    scale = _Since.of(since, [*(line.instant for line in decision.trail), decision.due_at, *edges])
    winner = _winner(decision)
    steps = [
        _step(number, line, decision, scale, wins=number == winner, schedule=schedule)
        for number, line in enumerate(decision.trail, 1)
    ]
    if scheduled is not None:
        result = _result_of_schedule(decision, scheduled, winner)
        steps.insert(0, _beside(Rule.BASELINE, scheduled, schedule, scale, result))
    told = {line.rule for line in decision.trail}
    for rule, of in ((Rule.SHORTEST_SLOT, shortest), (Rule.LONGEST, longest)):
        if since is not None and of and rule not in told:
            steps.append(_beside(rule, since + of, interval(of), scale))
    forbidden = None if since is None or not shortest else scale.x(since + shortest)
    return Why(
        steps=steps,
        slot=decision.slot,
        due_at=decision.due_at,
        since=since,
        forbidden=forbidden,
    )


def _guardrails(endpoint: Endpoint | None) -> tuple[timedelta | None, timedelta | None]:
    if endpoint is None:
        return None, None
    return endpoint.guardrails.shortest, endpoint.guardrails.longest


def _scheduled(
    decision: Decision, since: datetime | None, endpoint: Endpoint | None
) -> datetime | None:
    """Return the slot that the schedule alone would have said; None: it is a step, or unknown."""
    if since is None or endpoint is None or endpoint.rhythm is None:
        return None
    if not decision.trail or any(line.rule is Rule.BASELINE for line in decision.trail):
        return None
    return endpoint.rhythm.next_after(since)


def _result_of_schedule(decision: Decision, scheduled: datetime, winner: int | None) -> str:
    """Say what became of a slot of the schedule that is not among the steps."""
    for number, line in enumerate(decision.trail, 1):
        if line.rule is Rule.INTERVAL_HINT:
            return f"replaced by {number}"
    if winner is None:
        return "passed over"
    return f"later than {winner}" if scheduled >= decision.slot else f"before {winner}"


class _Since:
    """A log scale of the time since an instant."""

    def __init__(self, since: datetime | None, least: float, most: float) -> None:
        self._since, self._least, self._most = since, least, most

    @classmethod
    def of(cls, since: datetime | None, instants: Sequence[datetime]) -> "_Since":
        if since is None:
            return cls(None, 1, 1)
        lengths = [(each - since).total_seconds() for each in instants]
        positive = [each for each in lengths if each > 0]
        if not positive:
            return cls(None, 1, 1)
        least, most = min(positive) / 2, max(positive)
        return cls(since, least, max(most, least * 4))

    def x(self, instant: datetime) -> float | None:
        if self._since is None:
            return None
        seconds = max((instant - self._since).total_seconds(), self._least)
        share = log(seconds / self._least) / log(self._most / self._least)
        return round(_LEFT + min(share, 1) * (_RIGHT - _LEFT), 1)


def _winner(decision: Decision) -> int | None:
    """Find the line that chose the slot: the last one of the rule that the decision names."""
    choosing = _CHOOSING.get(decision.source, _HINTS)
    numbers = [n for n, line in enumerate(decision.trail, 1) if line.rule in choosing]
    return numbers[-1] if numbers else None


def _step(
    number: int,
    line: Weighed,
    decision: Decision,
    scale: _Since,
    *,
    wins: bool,
    schedule: str,
) -> Step:
    before = _moved_from(number, line, decision)
    name, detail = _words(line, schedule)
    return Step(
        number=number,
        rule=line.rule,
        name=name,
        detail=detail,
        instant=line.instant,
        x=scale.x(line.instant),
        from_x=None if before is None else scale.x(before),
        result=_result(number, line, decision, wins=wins),
        wins=wins,
    )


def _words(line: Weighed, schedule: str) -> tuple[str, str]:
    """Name a line, and tell what else is worth knowing; a hint is named by who gave it."""
    name = _NAMES[line.rule]
    if line.rule is Rule.BASELINE:
        return name, line.detail or schedule
    author, given, rest = line.detail.partition(": ")
    if line.rule in _OF_AUTHORS and given and author in set(Author):
        return f"{name} of {author_words(Author(author))}", rest
    return name, line.detail


def _moved_from(number: int, line: Weighed, decision: Decision) -> datetime | None:
    """Find what a line moved: the instant of the line that stood before it."""
    if line.rule not in _MOVING | TIMING_RULES:
        return None
    if line.rule in TIMING_RULES:
        return decision.slot
    earlier = [each for each in decision.trail[: number - 1] if each.rule not in _ASIDE]
    return earlier[-1].instant if earlier else None


def _result(number: int, line: Weighed, decision: Decision, *, wins: bool) -> str:
    if line.rule in TIMING_RULES:
        return f"starts {length(line.instant - decision.slot)} after the slot"
    match line.rule:
        case Rule.HINT_GIVES_WAY:
            return "gives way: it would end before it could act"
        case Rule.MOVED_ON:
            return "could not start in time; the slot moved on"
        case Rule.MISFIRE:
            return "claimed late"
        case Rule.FORGIVEN:
            return "no further attempt"
        case _ if wins:
            return "wins"
    place, mover = _mover(number, decision)
    if mover is None:
        return "passed over"
    return f"moved by {place}" if mover in _MOVING else f"gives place to {place}"


def _mover(number: int, decision: Decision) -> tuple[int, Rule | None]:
    """Find the line that took the place of this one."""
    for place, line in enumerate(decision.trail[number:], number + 1):
        if line.rule not in _ASIDE and line.rule not in TIMING_RULES:
            return place, line.rule
    return 0, None


def _beside(
    rule: Rule, instant: datetime, detail: str, scale: _Since, result: str = "not reached"
) -> Step:
    return Step(
        number=0,
        rule=rule,
        name=_NAMES[rule],
        detail=detail,
        instant=instant,
        x=scale.x(instant),
        from_x=None,
        result=result,
        wins=False,
    )
