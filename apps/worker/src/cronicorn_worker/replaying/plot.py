"""Draws when calls were made, as an SVG that is legible on light and dark pages."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final

_WIDTH: Final = 860
_LEFT: Final = 150
_RIGHT: Final = 20
_ROW: Final = 34
_CURVE: Final = 90
_TOP: Final = 44
_PARTS: Final = 6
_SHADES: Final = 4
_STYLE: Final = """
text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:14px;font-weight:600}
.faint{fill:#59636e}.axis{stroke:#d1d9e0}.call0{stroke:#59636e}.call1{stroke:#0969da}
.call2{stroke:#8250df}.mark{fill:#bc4c00}.curve{fill:none;stroke:#1a7f37;stroke-width:1.5}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.faint{fill:#9198a1}.axis{stroke:#3d444d}
.call0{stroke:#9198a1}.call1{stroke:#4493f8}.call2{stroke:#ab7df8}.mark{fill:#f0883e}
.curve{stroke:#3fb950}}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """Instants of one kind, and what they are called."""

    label: str
    instants: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Curve:
    """A value over time, which holds until the next one."""

    label: str
    values: Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """
    Calls over a window: a row of ticks for each way, a curve of what they are about, and marks.
    """

    title: str
    begins_at: datetime
    ends_at: datetime
    rows: Sequence[Row]
    marks: Row | None = None
    curve: Curve | None = None

    def svg(self) -> str:
        """Draw it."""
        body = [f"<text class='title' x='12' y='22'>{escape(self.title)}</text>"]
        y = _TOP
        if self.curve is not None:
            body.append(self._drawn_curve(self.curve, y))
            y += _CURVE + 12
        for number, row in enumerate(self.rows):
            body.append(self._drawn_row(row, f"call{number % 3}", y))
            y += _ROW
        if self.marks is not None:
            body.append(self._drawn_marks(self.marks, y))
            y += _ROW
        body.append(self._axis(y + 4))
        height = y + 30
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}'"
            f" width='{_WIDTH}' height='{height}' role='img' aria-label='{escape(self.title)}'>"
            f"<style>{_STYLE.strip()}</style>{''.join(body)}</svg>\n"
        )

    def _x(self, at: datetime) -> float:
        length = max(self.ends_at - self.begins_at, timedelta(milliseconds=1))
        return _LEFT + (at - self.begins_at) / length * (_WIDTH - _LEFT - _RIGHT)

    def _drawn_row(self, row: Row, kind: str, y: int) -> str:
        counts = Counter(round(self._x(each)) for each in row.instants)
        most = max(counts.values(), default=1)
        places: dict[int, list[int]] = {}
        for x, count in sorted(counts.items()):
            places.setdefault(-(-count * _SHADES // most), []).append(x)
        ticks = "".join(
            f"<path d='{''.join(f'M{x} {y}v22' for x in xs)}'"
            f" stroke-opacity='{0.4 + 0.6 * shade / _SHADES:.2f}'/>"
            for shade, xs in sorted(places.items())
        )
        told = f"{row.label} ({len(row.instants):,})"
        return f"{_label(told, y + 15)}<g class='{kind}'>{ticks}</g>"

    def _drawn_marks(self, row: Row, y: int) -> str:
        places = sorted({round(self._x(each)) for each in row.instants})
        marks = "".join(f"<path d='M{x} {y}l5 9h-10z'/>" for x in places)
        told = f"{row.label} ({len(row.instants):,})"
        return f"{_label(told, y + 10)}<g class='mark'>{marks}</g>"

    def _drawn_curve(self, curve: Curve, y: int) -> str:
        values = [value for _, value in curve.values]
        top = max([*values, 1e-9])
        points: list[str] = []
        last: tuple[int, float] | None = None
        for at, value in curve.values:
            place = (round(self._x(at)), value)
            if last is not None and (place[0] == last[0] or value == last[1]):
                continue
            last = place
            height = y + _CURVE - value / top * (_CURVE - 4)
            if points:
                points.append(f"H{self._x(at):.1f}")
            points.append(f"{'V' if points else f'M{self._x(at):.1f} '}{height:.1f}")
        points.append(f"H{self._x(self.ends_at):.1f}")
        shown = f"{top:,.0f}" if top >= 1 else f"{top:.2f}"
        return (
            _label(curve.label, y + _CURVE // 2)
            + f"<text class='faint' x='{_LEFT - 8}' y='{y + 8}' text-anchor='end'>{shown}</text>"
            + f"<text class='faint' x='{_LEFT - 8}' y='{y + _CURVE}' text-anchor='end'>0</text>"
            + f"<path class='curve' d='{''.join(points)}'/>"
        )

    def _axis(self, y: int) -> str:
        length = self.ends_at - self.begins_at
        form = "%H:%M:%S" if length <= timedelta(minutes=15) else "%H:%M"
        form = "%d %b" if length > timedelta(days=3) else form
        labels = []
        for part in range(_PARTS + 1):
            at = self.begins_at + length * part / _PARTS
            anchor = "end" if part == _PARTS else "middle"
            labels.append(
                f"<text class='faint' x='{self._x(at):.1f}' y='{y + 18}'"
                f" text-anchor='{anchor}'>{at.strftime(form)}</text>"
            )
        line = f"<path class='axis' d='M{_LEFT} {y}H{_WIDTH - _RIGHT}'/>"
        return line + "".join(labels)


def _label(text: str, y: int) -> str:
    return f"<text x='12' y='{y}'>{escape(text)}</text>"
