"""Tells a replay: to people in a terminal, to programs, and as a plot."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median_high
from typing import Final

from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.replay import ASSUMED, Course, Cut, Replay, RuleTold
from cronicorn_domain.wording import instant_in_words, length_in_words

from cronicorn_worker.faults import UsageFault
from cronicorn_worker.replaying.asking import Answered
from cronicorn_worker.replaying.plot import Plot, Row

_BARS: Final = " ▁▂▃▄▅▆▇█"
_PARTS: Final = 60
_LABEL: Final = 15
_FIRINGS_SHOWN: Final = 12
_WHY_CUT: Final = {
    Cut.ANSWERS: "older answers were left out: there are more than are read",
    Cut.CALLS: "it ends early: there were more calls than a replay makes",
    Cut.TIME: "it ends early: it took longer than a replay may",
}


def as_text(answered: Answered) -> str:
    """Write it for people, with a plot of bars."""
    return "\n".join(_lines(answered))


def as_json(answered: Answered) -> str:
    """Write all of it as one JSON object; its names stay."""
    replay = answered.replay
    return json.dumps(
        {
            "job": answered.job,
            "endpoint": answered.endpoint,
            "begins_at": iso_milliseconds(replay.begins_at),
            "ends_at": iso_milliseconds(replay.ends_at),
            "answers": replay.answers,
            "saved": replay.saved,
            "recorded": [iso_milliseconds(each) for each in replay.recorded],
            "fixed": _course(replay.fixed),
            "ruled": _course(replay.ruled),
            "turns": [
                {"at": iso_milliseconds(each.at), "held": list(each.held)} for each in replay.turns
            ],
            "rules": [
                {
                    "number": each.number,
                    "when": each.when,
                    "held": each.held,
                    "acted": each.acted,
                    "not_there": each.not_there,
                    "faults": each.faults,
                    "fault": each.fault,
                }
                for each in replay.rules
            ],
            "firings": [
                {"at": iso_milliseconds(each.at), "rule": each.rule, "does": list(each.does)}
                for each in replay.firings
            ],
            "cut": replay.cut,
            "assumptions": list(ASSUMED),
        },
        indent=2,
    )


def as_svg(answered: Answered) -> str:
    """Draw it."""
    replay = answered.replay
    return Plot(
        title=f"{answered.endpoint} of {answered.job}, replayed",
        begins_at=replay.begins_at,
        ends_at=replay.ends_at,
        rows=[
            Row("recorded", replay.recorded),
            Row("without rules", [each.at for each in replay.fixed.calls]),
            Row("with rules", [each.at for each in replay.ruled.calls]),
        ],
        marks=Row("rules act", [each.at for each in replay.firings]),
    ).svg()


def write_svg(answered: Answered, path: Path) -> None:
    """Draw it into a file. Raises ``UsageFault``."""
    if path.suffix.lower() != ".svg":
        raise UsageFault(f"--plot: {path} is no name of an SVG", "let it end with .svg")
    try:
        path.write_text(as_svg(answered), encoding="utf-8")
    except OSError as error:
        raise UsageFault(f"--plot: {path} cannot be written: {error.strerror}") from error


def _course(course: Course) -> dict[str, object]:
    return {
        "calls": [[iso_milliseconds(each.at), each.source.value] for each in course.calls],
        "longest_gap_ms": _milliseconds(course.longest_gap),
        "gap_begins_at": iso_milliseconds(course.gap_begins_at),
        "unseen_ms": [
            [_milliseconds(each.least), _milliseconds(each.most)] for each in course.unseen
        ],
    }


def _lines(answered: Answered) -> Iterator[str]:
    replay = answered.replay
    begins, ends = instant_in_words(replay.begins_at), instant_in_words(replay.ends_at)
    yield f"{answered.endpoint} of {answered.job}: {replay.answers} answers, {begins} to {ends}"
    yield ""
    yield f"  {'':{_LABEL}}{'calls':>7}  {'longest gap':>14}  a change stays unseen, at worst"
    yield f"  {'without rules':{_LABEL}}{_numbers(replay.fixed)}"
    yield f"  {'with rules':{_LABEL}}{_numbers(replay.ruled)}"
    yield f"  {_difference(replay)}; the target changed {_times(len(replay.turns))}"
    yield ""
    yield from _bars(replay)
    yield ""
    for told in replay.rules:
        yield from _rule(told)
    yield from _firings(replay)
    if replay.cut is not None:
        yield f"  {_WHY_CUT[replay.cut]}"
    yield ""
    yield "  What a replay takes for granted:"
    yield from (f"  - {each}" for each in ASSUMED)


def _numbers(course: Course) -> str:
    worst = [each.most for each in course.unseen]
    seen = "nothing changed"
    if worst:
        seen = f"{length_in_words(median_high(worst))} (median), {length_in_words(max(worst))}"
    return f"{len(course.calls):>7,}  {length_in_words(course.longest_gap):>14}  {seen}"


def _difference(replay: Replay) -> str:
    if replay.saved == 0:
        return "as many calls either way"
    return f"{abs(replay.saved):,} calls {'saved' if replay.saved > 0 else 'more'} by rules"


def _bars(replay: Replay) -> Iterator[str]:
    rows = {
        "recorded": replay.recorded,
        "without rules": [each.at for each in replay.fixed.calls],
        "with rules": [each.at for each in replay.ruled.calls],
    }
    counts = {label: _per_part(instants, replay) for label, instants in rows.items()}
    most = max(max(each) for each in counts.values()) or 1
    for label, each in counts.items():
        bars = "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in each)
        yield f"  {label:{_LABEL}}{bars}"
    ends = f"{replay.ends_at:%d %b %H:%M}"
    yield f"  {'':{_LABEL}}{f'{replay.begins_at:%d %b %H:%M}':<{_PARTS - len(ends)}}{ends}"


def _per_part(instants: Sequence[datetime], replay: Replay) -> list[int]:
    counts = [0] * _PARTS
    length = max(replay.ends_at - replay.begins_at, timedelta(milliseconds=1))
    for each in instants:
        counts[min(_PARTS - 1, int((each - replay.begins_at) / length * _PARTS))] += 1
    return counts


def _rule(told: RuleTold) -> Iterator[str]:
    acted = f"acted {_times(told.acted)}"
    if told.first_acted_at is not None:
        acted += f", first at {instant_in_words(told.first_acted_at)}"
    shown = " ".join(told.when.split())
    yield f"  rule {told.number}: {shown if len(shown) <= 80 else shown[:79] + '…'}"  # noqa: PLR2004
    yield f"    held {_times(told.held)}, {acted}"
    if told.not_there:
        yield f"    asked for something that was not there {_times(told.not_there)}"
    if told.faults:
        yield f"    could not be answered {_times(told.faults)}: {told.fault}"


def _firings(replay: Replay) -> Iterator[str]:
    for each in replay.firings[:_FIRINGS_SHOWN]:
        yield f"  {instant_in_words(each.at)}  rule {each.rule}: {', '.join(each.does)}"
    if (left := len(replay.firings) - _FIRINGS_SHOWN) > 0:
        yield f"  and {left:,} times more; --json tells all"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
