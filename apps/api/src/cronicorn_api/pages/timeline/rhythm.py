"""
The rhythm as it is drawn: how far apart slots lay, on a log scale, against what was proposed.

A tightening hint makes the line dip and a back-off makes it climb, whatever the lengths are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import log
from typing import Final

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.decision import Decision, Kind, Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import IntervalHint
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.chronicle import Stretch
from cronicorn_domain.schedules.grid import Grid
from cronicorn_management.history.pauses import PauseSpan

from cronicorn_api.pages.frame.shapes import interval, length
from cronicorn_api.pages.timeline.flags import Flag
from cronicorn_api.pages.timeline.scale import Column, Scale

HEIGHT: Final = 88
_TOP: Final = 8
_BOTTOM: Final = 80
_LETTERS: Final = 13
"""Labels lie so far apart at least."""
_RATIO_LEAST: Final = 4.0
_PROPOSED_MOST: Final = 400
_WIDTH_LEAST: Final = 0.008
"""Of the width: what is narrower is drawn together with its neighbours."""
_X: Final = 100
"""Paths are drawn in a box that is 10,000 wide, whatever the width of the page is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """From when to when slots lay how far apart; with a spread where many are told together."""

    since: datetime
    until: datetime
    length: timedelta
    least: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is written at a height."""

    y: float
    text: str
    css: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a hint proposes, for its life; ``css`` says whether it was in force."""

    x: float
    end: float
    y: float
    css: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A slot that a guardrail has moved; ``up`` is the longest, which pulls in."""

    x: float
    y: float
    longest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """
    The lane of the rhythm.

    Attributes:
        actual: The path of what was, in a box of 10,000 by 88.
        spread: The outline between the shortest and the longest gap of each column; or empty.
        planned: The path of what is to come.
        schedule: The path of what the schedule alone proposes.
        band: From where to where the guardrails let it be, in pixels; None: there are none.
        wanted: What hints proposed.
        moved: Where guardrails moved slots.
        labels: The heights that have names, the topmost first.
    """

    actual: str
    spread: str
    planned: str
    schedule: str
    band: tuple[float, float] | None
    wanted: Sequence[Wanted]
    moved: Sequence[Moved]
    labels: Sequence[Label]


class _Heights:
    """Log scale of lengths: the longest at the top."""

    def __init__(self, lengths: Iterable[timedelta]) -> None:
        seconds = [max(each.total_seconds(), 0.001) for each in lengths] or [60.0]
        least, most = min(seconds) / 1.15, max(seconds) * 1.15
        if most / least < _RATIO_LEAST:
            middle = (least * most) ** 0.5
            least, most = middle / _RATIO_LEAST**0.5, middle * _RATIO_LEAST**0.5
        self._least, self._span = log(least), log(most) - log(least)

    def y(self, length: timedelta) -> float:
        share = (log(max(length.total_seconds(), 0.001)) - self._least) / self._span
        return round(_BOTTOM - min(max(share, 0), 1) * (_BOTTOM - _TOP), 1)


def rhythm_of(
    endpoint: Endpoint,
    gaps: Sequence[Gap],
    *,
    runs: Iterable[Run],
    upcoming: Sequence[Decision],
    flags: Iterable[Flag],
    pauses: Sequence[PauseSpan],
    floor: timedelta,
    scale: Scale,
) -> Rhythm:
    """Draw the lane of an endpoint's rhythm."""
    proposed = proposals_of(endpoint, scale)
    shortest, longest = _guardrails(endpoint, floor)
    hints = [each for each in flags if isinstance(each.hint, IntervalHint)]
    to_come = planned_gaps(upcoming, scale, after=gaps[-1].until if gaps else None)
    lengths = [
        *(end for gap in gaps for end in (gap.least, gap.most)),
        *(gap.length for gap in (*proposed, *to_come)),
        *(each.hint.every for each in hints if isinstance(each.hint, IntervalHint)),
        *(each for each in (shortest, longest) if each is not None),
    ]
    heights = _Heights(lengths)
    drawn = merged(gaps, scale)
    return Rhythm(
        actual=_path(drawn, heights, scale, pauses),
        spread=_outline(drawn, heights, scale),
        planned=_path(to_come, heights, scale, ()),
        schedule=_path(proposed, heights, scale, ()),
        band=_band(shortest, longest, heights),
        wanted=[
            Wanted(x=stretch.x, end=stretch.end, y=heights.y(flag.hint.every), css=stretch.css)
            for flag in hints
            if isinstance(flag.hint, IntervalHint)
            for stretch in flag.stretches
        ],
        moved=_moved(runs, shortest, longest, heights, scale),
        labels=_labels(proposed, shortest, longest, heights),
    )


def gaps_of(runs: Iterable[Run], records: Iterable[SlotRecord]) -> Sequence[Gap]:
    """Tell the gaps between recurring slots, whether they were run or not."""
    slots = {run.slot for run in runs if run.kind is Kind.RECURRING}
    even: list[Gap] = []
    for record in records:
        slots |= {record.first, record.last}
        if record.count > 1 and record.last > record.first:
            apart = (record.last - record.first) / (record.count - 1)
            even.append(_gap(record.first, record.last, apart))
    covered = {(each.since, each.until) for each in even}
    between = [
        _gap(one, other, other - one)
        for one, other in pairwise(sorted(slots))
        if (one, other) not in covered
    ]
    return sorted((*even, *between), key=lambda gap: (gap.since, gap.until))


def gaps_by_column(stretches: Sequence[Stretch], columns: Sequence[Column]) -> Sequence[Gap]:
    """
    Tell the gaps of each column, as its statistics have them: the median, and their spread.

    Where a minute (or an hour) holds several slots, they lay so far apart on an average; where it
    holds one, that is as far from the one before.
    """
    found: list[list[timedelta]] = [[] for _ in columns]
    before: datetime | None = None
    number = 0
    for stretch in stretches:
        while number < len(columns) - 1 and stretch.begins_at >= columns[number].ends_at:
            number += 1
        apart = _apart(stretch, before)
        before = stretch.begins_at
        if apart is not None and columns and stretch.begins_at < columns[-1].ends_at:
            found[number].append(apart)
    return [
        Gap(
            since=column.begins_at,
            until=column.ends_at,
            length=_middle(lengths),
            least=min(lengths),
            most=max(lengths),
        )
        for column, lengths in zip(columns, found, strict=True)
        if lengths
    ]


def merged(gaps: Sequence[Gap], scale: Scale) -> Sequence[Gap]:
    """Tell gaps that are too narrow to be told apart together: their median, and their spread."""
    found: list[list[Gap]] = []
    for gap in gaps:
        narrow = (gap.until - gap.since) / scale.length < _WIDTH_LEAST
        last = found[-1] if found else None
        if (
            narrow
            and last is not None
            and last[-1].until == gap.since
            and (last[-1].until - last[0].since) / scale.length < _WIDTH_LEAST
        ):
            last.append(gap)
        else:
            found.append([gap])
    return [group[0] if len(group) == 1 else _together(group) for group in found]


def proposals_of(endpoint: Endpoint, scale: Scale) -> Sequence[Gap]:
    """Tell how far apart the slots lie that the schedule alone proposes."""
    rhythm = endpoint.rhythm
    if rhythm is None:
        return []
    begins_at = max(scale.since, endpoint.created_at)
    if begins_at >= scale.ends_at:
        return []
    if isinstance(rhythm, Grid):
        return [_gap(begins_at, scale.ends_at, rhythm.step)]
    slots = [rhythm.latest_until(begins_at) or begins_at]
    while len(slots) <= _PROPOSED_MOST and slots[-1] < scale.ends_at:
        following = rhythm.next_after(slots[-1])
        if following is None:
            break
        slots.append(following)
    gaps = [_gap(one, other, other - one) for one, other in pairwise(slots)]
    if len(slots) <= _PROPOSED_MOST or not gaps:
        return gaps
    return [_gap(begins_at, scale.ends_at, _middle(gap.length for gap in gaps))]


def planned_gaps(
    upcoming: Sequence[Decision], scale: Scale, *, after: datetime | None
) -> Sequence[Gap]:
    """Tell the gaps of what is to come, from the last slot on."""
    if not scale.follows:
        return []
    slots = [each.slot for each in upcoming]
    if after is not None and slots and after < slots[0]:
        slots = [after, *slots]
    return [_gap(one, other, other - one) for one, other in pairwise(slots) if other > one]


def _together(gaps: Sequence[Gap]) -> Gap:
    return Gap(
        since=gaps[0].since,
        until=gaps[-1].until,
        length=_middle(each.length for each in gaps),
        least=min(each.least for each in gaps),
        most=max(each.most for each in gaps),
    )


def _middle(lengths: Iterable[timedelta]) -> timedelta:
    found = sorted(lengths)
    return found[len(found) // 2]


def _gap(since: datetime, until: datetime, apart: timedelta) -> Gap:
    return Gap(since=since, until=until, length=apart, least=apart, most=apart)


def _apart(stretch: Stretch, before: datetime | None) -> timedelta | None:
    count = stretch.tally.runs
    if count > 1:
        return stretch.lasts / count
    return None if before is None or count == 0 else max(stretch.begins_at - before, stretch.lasts)


def _path(gaps: Sequence[Gap], heights: _Heights, scale: Scale, pauses: Sequence[PauseSpan]) -> str:
    """Draw a step for each gap; the line is cut where there is none, and where a pause lies."""
    drawn: list[str] = []
    end: datetime | None = None
    for gap in gaps:
        if gap.until <= scale.since or gap.since >= scale.ends_at:
            continue
        if any(each.since < gap.until and each.until > gap.since for each in pauses):
            end = None
            continue
        x, y = round(scale.x(gap.since) * _X), heights.y(gap.length)
        drawn.append(f"V{y:g}" if end == gap.since else f"M{x} {y:g}")
        drawn.append(f"H{round(scale.x(gap.until) * _X)}")
        end = gap.until
    return "".join(drawn)


def _outline(gaps: Sequence[Gap], heights: _Heights, scale: Scale) -> str:
    """Draw a box for each gap that has a spread."""
    boxes = []
    for gap in gaps:
        top, bottom = heights.y(gap.most), heights.y(gap.least)
        if bottom - top >= 1:
            x, end = round(scale.x(gap.since) * _X), round(scale.x(gap.until) * _X)
            boxes.append(f"M{x} {top:g}H{end}V{bottom:g}H{x}z")
    return "".join(boxes)


def _guardrails(endpoint: Endpoint, floor: timedelta) -> tuple[timedelta | None, timedelta | None]:
    shortest, longest = endpoint.guardrails.shortest, endpoint.guardrails.longest
    if shortest is None and longest is None:
        return None, None
    return max(shortest or NO_TIME, floor), longest


def _band(
    shortest: timedelta | None, longest: timedelta | None, heights: _Heights
) -> tuple[float, float] | None:
    if shortest is None:
        return None
    top = 2.0 if longest is None else heights.y(longest)
    return top, round(max(heights.y(shortest) - top, 1), 1)


def _moved(
    runs: Iterable[Run],
    shortest: timedelta | None,
    longest: timedelta | None,
    heights: _Heights,
    scale: Scale,
) -> Sequence[Moved]:
    edges = {Source.CLAMPED_MIN: shortest, Source.CLAMPED_MAX: longest}
    return [
        Moved(
            x=scale.x(run.slot),
            y=heights.y(edge),
            longest=run.decision.source is Source.CLAMPED_MAX,
        )
        for run in runs
        if (edge := edges.get(run.decision.source)) is not None
    ]


def _labels(
    proposed: Sequence[Gap],
    shortest: timedelta | None,
    longest: timedelta | None,
    heights: _Heights,
) -> Sequence[Label]:
    named = []
    if longest is not None:
        named.append((longest, f"longest {interval(longest)}", "edge"))
    if proposed:
        usual = _middle(gap.length for gap in proposed)
        even = all(gap.length == usual for gap in proposed)
        text = interval(usual) if even else f"about {length(usual)}"
        named.append((usual, f"schedule {text}", "schedule"))
    if shortest is not None:
        named.append((shortest, f"shortest {interval(shortest)}", "edge"))
    return _apart_from_each_other(
        [Label(y=heights.y(of), text=text, css=css) for of, text, css in named]
    )


def _apart_from_each_other(labels: Sequence[Label]) -> Sequence[Label]:
    """Move labels so far down, and then up, that each can be read."""
    heights = sorted(labels, key=lambda each: each.y)
    ys = [each.y for each in heights]
    for number in range(1, len(ys)):
        ys[number] = max(ys[number], ys[number - 1] + _LETTERS)
    over = ys[-1] - (HEIGHT - 4) if ys else 0
    if over > 0:
        ys[-1] -= over
        for number in range(len(ys) - 2, -1, -1):
            ys[number] = min(ys[number], ys[number + 1] - _LETTERS)
    return [
        Label(y=round(y, 1), text=each.text, css=each.css)
        for y, each in zip(ys, heights, strict=True)
    ]
