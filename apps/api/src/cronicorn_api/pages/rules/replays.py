"""A replay of rules, as the editor draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from cronicorn_domain.model.replay import ASSUMED, Course, Cut, Replay, RuleTold

from cronicorn_api.pages.frame.moments import Zones
from cronicorn_api.pages.frame.shapes import NOTHING, exact, length

COLUMNS: Final = 120
_STEP: Final = 10
_TALL: Final = 22
_LEAST: Final = 3
_FIRINGS_MOST: Final = 50
_CUTS: Final = {
    Cut.ANSWERS: "Only the newest answers of the window.",
    Cut.CALLS: "It ends where there were too many calls.",
    Cut.TIME: "It ends where it took too long.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule, and how often it would have held and acted."""

    number: int
    when: str
    held: str
    acted: str
    last: str
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """
    What rules would have changed.

    Attributes:
        lanes: What is drawn: a label, the class of its bars, and these as place and height.
        drawn: The same in words.
    """

    sentence: str
    cut: str
    ruled: str
    fixed: str
    gap: str
    gap_fixed: str
    unseen: str
    unseen_fixed: str
    lanes: Sequence[tuple[str, str, Sequence[tuple[int, int]]]]
    drawn: str
    rules: Sequence[RuleLine]
    firings: Sequence[tuple[str, int, str]]
    assumed: Sequence[str] = ASSUMED


def replay_view(replay: Replay, zones: Zones) -> ReplayView:
    """Tell of a replay."""
    saved, ruled = replay.saved, len(replay.ruled.calls)
    change = "as many calls"
    if saved:
        change = f"{exact(abs(saved))} calls {'fewer' if saved > 0 else 'more'}"
    acted = len(replay.firings)
    times = "once" if acted == 1 else f"{exact(acted)} times"
    did = f"rules would have acted {times}" if acted else "no rule would have acted"
    lanes = (
        ("recorded", "ok", _columns(replay.recorded, replay)),
        ("without rules", "planned", _columns([e.at for e in replay.fixed.calls], replay)),
        ("with rules", "running", _columns([e.at for e in replay.ruled.calls], replay)),
    )
    return ReplayView(
        sentence=f"Over {exact(replay.answers)} answers {did}: {change} than without.".replace(
            "as many calls than", "as many calls as"
        ),
        cut="" if replay.cut is None else _CUTS[replay.cut],
        ruled=exact(ruled),
        fixed=exact(len(replay.fixed.calls)),
        gap=length(replay.ruled.longest_gap),
        gap_fixed=length(replay.fixed.longest_gap),
        unseen=_unseen(replay.ruled),
        unseen_fixed=_unseen(replay.fixed),
        lanes=lanes,
        drawn=f"{exact(len(replay.recorded))} calls were recorded, {exact(ruled)} with rules and"
        f" {exact(len(replay.fixed.calls))} without would have been.",
        rules=[_line(each, zones) for each in replay.rules],
        firings=[
            (zones.moment(each.at).clock, each.rule, ", ".join(each.does))
            for each in replay.firings[:_FIRINGS_MOST]
        ],
    )


def _line(rule: RuleTold, zones: Zones) -> RuleLine:
    last = zones.moment_if_any(rule.last_acted_at)
    faults = rule.faults + rule.not_there
    return RuleLine(
        number=rule.number,
        when=rule.when,
        held=exact(rule.held),
        acted=exact(rule.acted),
        last=NOTHING if last is None else last.clock,
        fault=f"{exact(faults)}: {rule.fault or 'something is not there'}" if faults else NOTHING,
    )


def _unseen(course: Course) -> str:
    """Tell after how long changes would have been seen, the median of the worst that can be."""
    if not course.unseen:
        return NOTHING
    seconds = median(each.most / timedelta(seconds=1) for each in course.unseen)
    return length(timedelta(seconds=seconds))


def _columns(instants: Sequence[datetime], replay: Replay) -> Sequence[tuple[int, int]]:
    whole = max(replay.ends_at - replay.begins_at, timedelta(milliseconds=1))
    counts = [0] * COLUMNS
    for at in instants:
        place = int((at - replay.begins_at) / whole * COLUMNS)
        counts[min(max(place, 0), COLUMNS - 1)] += 1
    most = max(1, *counts)
    return [
        (number * _STEP, max(_LEAST, round(_TALL * (count / most) ** 0.5)))
        for number, count in enumerate(counts)
        if count
    ]
