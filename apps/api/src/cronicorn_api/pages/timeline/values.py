"""A value of each run as it is drawn: a member of what was answered, the duration, or lateness."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.instants import MILLISECOND
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Run
from cronicorn_domain.ports.chronicle import Answered

from cronicorn_api.pages.frame.shapes import length
from cronicorn_api.pages.timeline.marks import Stack, lateness_of
from cronicorn_api.pages.timeline.scale import Scale

HEIGHT: Final = 64
DURATION: Final = "duration"
LATENESS: Final = "lateness"
PATH_LENGTH: Final = 200
_TOP: Final = 6
_BOTTOM: Final = 58
_X: Final = 100
_MEMBER: Final = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")
_PATHS_MOST: Final = 24
_DEPTH_MOST: Final = 5
_ITEMS_MOST: Final = 3
_COMPARED: Final = r"\s*(<=|>=|<|>|==)\s*(-?\d+(?:\.\d+)?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value of a slot; None: there is none, and the line is cut."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A number that a rule compares the value with."""

    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """
    The lane of a value.

    Attributes:
        path: The line, in a box of 10,000 by 64; gaps stay gaps.
        dots: Values that have no neighbours, in percent and pixels.
        least: The lowest value, as text; its height is the bottom.
        most: The highest, likewise the top.
        thresholds: What rules compare it with.
        count: How many values there are.
    """

    path: str
    dots: Sequence[tuple[float, float]]
    least: str
    most: str
    thresholds: Sequence[Threshold]
    count: int


def values_of(
    points: Sequence[Point], scale: Scale, *, of: str, endpoint: Endpoint
) -> Values | None:
    """Draw the lane; None: no slot of the window has the value."""
    present = [each.value for each in points if each.value is not None]
    if not present:
        return None
    limits = dict(thresholds_of(endpoint, of))
    least, most = min(present), max(present)
    near = [each for each in limits if least - (most - least) <= each <= most + (most - least)]
    low, high = min([least, *near]), max([most, *near])
    if of in {DURATION, LATENESS}:
        low, high = min(low, 0), high or 1  # a length is seen against none at all
    elif low == high:
        low, high = low - 1, high + 1

    def y(value: float) -> float:
        return round(_BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP), 1)

    path, dots = _line(points, scale, y)
    return Values(
        path=path,
        dots=dots,
        least=shown(low, of),
        most=shown(high, of),
        thresholds=[Threshold(y=y(each), text=limits[each]) for each in near],
        count=len(present),
    )


def points_of_runs(runs: Iterable[Run], of: str) -> Sequence[Point]:
    """Return what each run has of duration or lateness, the earliest first."""
    return [
        Point(at=run.decision.due_at, value=_own_value(run, of))
        for run in sorted(runs, key=lambda each: (each.slot, each.attempt))
    ]


def points_of_stacks(stacks: Iterable[Stack], of: str) -> Sequence[Point]:
    """Return the mean of each column."""
    return [
        Point(
            at=stack.column.begins_at + (stack.column.ends_at - stack.column.begins_at) / 2,
            value=_in_seconds(stack.mean_duration if of == DURATION else stack.mean_lateness),
        )
        for stack in stacks
    ]


def points_of_answers(
    answers: Sequence[Answered], path: str, slots: Iterable[datetime]
) -> Sequence[Point]:
    """Return what a path leads to in each answer; slots without one are gaps."""
    found = {each.slot: number_at(each.body.text, path) for each in answers}
    return [Point(at=slot, value=found.get(slot)) for slot in sorted({*slots, *found})]


def number_at(text: str, path: str) -> float | None:
    """Return the number that a path such as ``queue.items[0].depth`` leads to, if it does."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    for step in steps_of(path):
        match value, step:
            case dict(), str() if step in value:
                value = value[step]
            case list(), int() if step < len(value):
                value = value[step]
            case _:
                return None
    return _as_number(value)


def steps_of(path: str) -> Sequence[str | int]:
    """Divide a path into its members; ``body`` at its beginning, as in rules, means nothing."""
    steps: list[str | int] = [
        int(match[2]) if match[2] is not None else match[1] for match in _MEMBER.finditer(path)
    ]
    return steps[1:] if steps[:1] == ["body"] and len(steps) > 1 else steps


def paths_in(answers: Sequence[Answered]) -> Sequence[str]:
    """Name the numbers of the newest answer that has any."""
    for answered in reversed(answers):
        try:
            value: object = json.loads(answered.body.text)
        except ValueError:
            continue
        found = [path for path, _ in zip(_paths(value, "", 0), range(_PATHS_MOST), strict=False)]
        if found:
            return found
    return ()


def thresholds_of(endpoint: Endpoint, of: str) -> Iterator[tuple[float, str]]:
    """Find the numbers that rules compare a value with, each with the comparison."""
    if of == LATENESS:
        return
    named = "durationMs" if of == DURATION else rf"body\.{re.escape(of)}"
    told = "duration" if of == DURATION else of.rpartition(".")[2]
    for rule in endpoint.rules.rules:
        for match in re.finditer(rf"(?<![\w.]){named}{_COMPARED}", rule.when):
            number = float(match[2])
            value = number / 1000 if of == DURATION else number
            yield value, f"{told} {match[1]} {shown(value, of)}"


def shown(value: float, of: str) -> str:
    """Write a value for its lane."""
    if of in {DURATION, LATENESS}:
        return length(timedelta(seconds=value))
    return f"{value:,.6g}"


def _own_value(run: Run, of: str) -> float | None:
    if of == LATENESS:
        return _in_seconds(lateness_of(run))
    if run.started_at is None or run.finished_at is None:
        return None
    return _in_seconds(run.finished_at - run.started_at)


def _in_seconds(length: timedelta | None) -> float | None:
    return None if length is None else length // MILLISECOND / 1000


def _as_number(value: object) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _paths(value: object, before: str, depth: int) -> Iterator[str]:
    if depth > _DEPTH_MOST:
        return
    if isinstance(value, Mapping):
        for name, member in value.items():
            if isinstance(name, str) and name and not set(name) & set(".[]"):
                yield from _paths(member, f"{before}.{name}" if before else name, depth + 1)
    elif isinstance(value, list):
        for number, member in enumerate(value[:_ITEMS_MOST]):
            yield from _paths(member, f"{before}[{number}]", depth + 1)
    elif _as_number(value) is not None and before and len(before) <= PATH_LENGTH:
        yield before


def _line(
    points: Sequence[Point], scale: Scale, y: Callable[[float], float]
) -> tuple[str, Sequence[tuple[float, float]]]:
    drawn: list[str] = []
    dots = []
    for number, point in enumerate(points):
        if point.value is None:
            continue
        x, height = scale.x(point.at), y(point.value)
        joined = number > 0 and points[number - 1].value is not None
        follows = number + 1 < len(points) and points[number + 1].value is not None
        drawn.append(f"{'L' if joined else 'M'}{round(x * _X)} {height:g}")
        if not joined and not follows:
            dots.append((x, height))
    return "".join(drawn), dots
