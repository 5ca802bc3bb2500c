"""Draws SVG by hand: bars, and lines over two logarithmic axes. Small files, no library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_COLOURS: Final = (
    *("#1b6ca8", "#d1495b", "#2e8b57", "#e39b23", "#6a4c93", "#3d5a80"),
    *("#8c564b", "#7f7f7f", "#17a2b8", "#b5179e", "#4d908e", "#577590"),
)
_STYLE: Final = "font-family='system-ui,sans-serif' font-size='12'"
_BAR: Final = 22
_LABELS: Final = 260
_WIDTH: Final = 760
_HEIGHT: Final = 420
_BOTTOM: Final = 50
_LEFT: Final = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A value, with the least and the most of its rounds."""

    label: str
    value: float
    least: float
    most: float


def bars(title: str, values: Sequence[Bar], *, digits: int = 0) -> str:
    """Draw horizontal bars with whiskers from the least to the most."""
    longest = max((each.most for each in values), default=1.0) or 1.0
    room = _WIDTH - _LABELS - 90
    rows = []
    for index, each in enumerate(values):
        y = 40 + index * _BAR
        end = _LABELS + room * each.value / longest
        low, high = (_LABELS + room * edge / longest for edge in (each.least, each.most))
        rows.append(
            _text(_LABELS - 8, y + 14, each.label, anchor="end")
            + f"<rect x='{_LABELS}' y='{y + 3}' width='{end - _LABELS:.1f}' height='15'"
            f" fill='{_COLOURS[0]}' opacity='0.85'/>"
            + f"<path d='M{low:.1f} {y + 10.5}H{high:.1f}' stroke='black'/>"
            + _text(max(end, high) + 6, y + 14, f"{each.value:,.{digits}f}")
        )
    return _svg(title, "".join(rows), 50 + len(values) * _BAR)


def lines(
    title: str, across: str, up: str, series: Mapping[str, Sequence[tuple[float, float]]]
) -> str:
    """Draw a line for each series; both axes are logarithmic, values at or below zero left out."""
    drawn = {
        name: [(x, y) for x, y in points if x > 0 and y > 0] for name, points in series.items()
    }
    points = [point for each in drawn.values() for point in each]
    if not points:
        return _svg(title, _text(_LEFT, 60, "nothing was measured"), 80)
    horizontal = _Axis.over([x for x, _ in points], _LEFT, _WIDTH - 230)
    vertical = _Axis.over([y for _, y in points], _HEIGHT - _BOTTOM, 40)
    body = _grid(horizontal, vertical) + "".join(
        _line(index, name, each, horizontal, vertical)
        for index, (name, each) in enumerate(drawn.items())
    )
    body += _text((_LEFT + _WIDTH - 230) / 2, _HEIGHT - 12, across, anchor="middle")
    return _svg(title, body + _text(8, 32, up), _HEIGHT)


def spreads(title: str, across: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    """Draw a row of named dots for each label, joined, over one logarithmic axis."""
    values = [value for row in rows.values() for value in row.values() if value > 0]
    if not values:
        return _svg(title, _text(_LEFT, 60, "nothing was measured"), 80)
    axis = _Axis.over(values, _LABELS, _WIDTH - 40)
    bottom = 70 + len(rows) * _BAR
    body = "".join(
        f"<path d='M{x} 56V{bottom - 4}' stroke='#ddd'/>"
        + _text(x, bottom + 12, f"{value:,g}", anchor="middle")
        for value in axis.decades()
        for x in [axis.place(value)]
    )
    body += _text(_WIDTH - 40, 44, across, anchor="end")
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    colours = dict(zip(names, _COLOURS, strict=False))
    for index, name in enumerate(names):
        x = _LABELS + 90 * index
        body += f"<circle cx='{x + 5}' cy='40' r='5' fill='{colours[name]}'/>"
        body += _text(x + 15, 44, name)
    for index, (label, row) in enumerate(rows.items()):
        y = 68 + index * _BAR
        places = {name: axis.place(value) for name, value in row.items() if value > 0}
        body += _text(_LABELS - 8, y + 4, label, anchor="end")
        if places:
            body += f"<path d='M{min(places.values())} {y}H{max(places.values())}' stroke='#999'/>"
        body += "".join(
            f"<circle cx='{x}' cy='{y}' r='5' fill='{colours[name]}' opacity='0.85'/>"
            for name, x in places.items()
        )
    return _svg(title, body, bottom + 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """Maps decades to pixels."""

    low: int
    high: int
    begins: float
    ends: float

    @classmethod
    def over(cls, values: Sequence[float], begins: float, ends: float) -> "_Axis":
        low = math.floor(math.log10(min(values)))
        high = max(low + 1, math.ceil(math.log10(max(values))))
        return cls(low=low, high=high, begins=begins, ends=ends)

    def place(self, value: float) -> float:
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.begins + part * (self.ends - self.begins), 1)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def _grid(horizontal: _Axis, vertical: _Axis) -> str:
    parts = []
    for value in horizontal.decades():
        x = horizontal.place(value)
        parts.append(f"<path d='M{x} {vertical.begins}V{vertical.ends}' stroke='#ddd'/>")
        parts.append(_text(x, vertical.begins + 16, f"{value:,g}", anchor="middle"))
    for value in vertical.decades():
        y = vertical.place(value)
        parts.append(f"<path d='M{horizontal.begins} {y}H{horizontal.ends}' stroke='#ddd'/>")
        parts.append(_text(horizontal.begins - 6, y + 4, f"{value:,g}", anchor="end"))
    return "".join(parts)


def _line(
    index: int,
    name: str,
    points: Sequence[tuple[float, float]],
    horizontal: _Axis,
    vertical: _Axis,
) -> str:
    colour = _COLOURS[index % len(_COLOURS)]
    places = [(horizontal.place(x), vertical.place(y)) for x, y in sorted(points)]
    path = " ".join(f"{x},{y}" for x, y in places)
    dots = "".join(f"<circle cx='{x}' cy='{y}' r='3' fill='{colour}'/>" for x, y in places)
    legend = 48 + index * 18
    return (
        f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.8'/>{dots}"
        f"<rect x='{_WIDTH - 215}' y='{legend - 9}' width='12' height='10' fill='{colour}'/>"
        + _text(_WIDTH - 198, legend, name, size=10)
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}'>"
        f"{escape(text)}</text>"
    )


def _svg(title: str, body: str, height: int) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' {_STYLE}>"
        f"<rect width='100%' height='100%' fill='white'/>"
        f"{_text(8, 18, title, size=14)}{body}</svg>\n"
    )
