"""The part of an endpoint's page with the timeline, in the words in which it shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cronicorn_management.history.timeline import Timeline

from cronicorn_api.pages.endpoint.views import zone_of
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.timeline.drawing import Drawing, Row, drawing_of, hint_words
from cronicorn_api.pages.timeline.flags import Flag
from cronicorn_api.pages.timeline.values import DURATION, LATENESS
from cronicorn_api.pages.timeline.windows import Choice, address_of, choices

_ZOOM_LEAST: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class HintLine:
    """A hint in words; ``clear`` is its id, where it can be cleared."""

    flag: Flag
    text: str
    reason: str | None
    standing: str
    clear: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row of the table that says the same as the drawing."""

    row: Row
    when: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineView:
    """
    The timeline with its controls.

    Attributes:
        drawing: What is drawn.
        rows: The same as rows.
        table: Whether rows are shown instead.
        windows: The windows that are offered.
        since: Where the window begins, for the fields that ask for another.
        until: Where it ends.
        zone: The zone of both.
        query: What is asked where this part and those beside it are fetched again; it keeps the
            window.
        chart: The address of the drawing.
        as_table: The address of the rows.
        values: The values that can be drawn: name, word, whether it is the chosen one.
        hints: The hints of the window in words.
        nearest: The address of the window that holds the newest run, where this one is empty.
        zooms: Addresses of the window twice as long and half as long.
    """

    endpoint_id: str
    drawing: Drawing
    rows: Sequence[TableRow]
    table: bool
    windows: Sequence[Choice]
    since: str
    until: str
    zone: str
    query: str
    chart: str
    as_table: str
    values: Sequence[tuple[str, str, bool]]
    kept: Mapping[str, str]
    hints: Sequence[HintLine]
    nearest: str | None
    zooms: Mapping[str, str]


def timeline_view(
    timeline: Timeline, zones: Zones, here: ZoneInfo, *, value_of: str, table: bool, narrow: bool
) -> TimelineView:
    """Say what the part with the timeline shows."""
    endpoint = timeline.situation.endpoint
    drawing = drawing_of(timeline, here, value_of=value_of, narrow=narrow)
    follows = drawing.scale.follows
    window = address_of(timeline.since, timeline.until, follows=follows)
    value = {"value": value_of} if value_of != DURATION else {}
    kept = {**value, **({"view": "table"} if table else {})}
    zone = zone_of(endpoint)
    return TimelineView(
        endpoint_id=str(endpoint.id),
        drawing=drawing,
        rows=[
            TableRow(row=row, when=zones.moment(row.when, zone)) for row in drawing.rows if table
        ],
        table=table,
        windows=choices(timeline.until - timeline.since, follows=follows, kept=kept),
        since=f"{timeline.since.astimezone(here):%Y-%m-%dT%H:%M}",
        until=f"{timeline.until.astimezone(here):%Y-%m-%dT%H:%M}",
        zone=here.key,
        query=f"?{urlencode({**window, **kept})}",
        chart=f"?{urlencode({**window, **value})}",
        as_table=f"?{urlencode({**window, **value, 'view': 'table'})}",
        values=_values(drawing),
        kept={**window, **({"view": "table"} if table else {})},
        hints=[_hint_line(flag, here, timeline) for flag in reversed(drawing.flags)],
        nearest=_nearest(timeline, kept),
        zooms=_zooms(timeline, kept, follows=follows),
    )


def _hint_line(flag: Flag, here: ZoneInfo, timeline: Timeline) -> HintLine:
    active = flag.record.end is None
    return HintLine(
        flag=flag,
        text=hint_words(flag, here, timeline.now),
        reason=flag.hint.reason,
        standing=_standing(flag),
        clear=str(flag.hint.id) if active else None,
    )


def _standing(flag: Flag) -> str:
    if flag.record.end is not None:
        return "ran" if flag.was_consumed else flag.record.end.value
    if flag.is_oneshot:
        return "waiting"
    return "in force" if flag.stretches and flag.stretches[-1].in_force else "outranked"


def _values(drawing: Drawing) -> Sequence[tuple[str, str, bool]]:
    offered = [(DURATION, "duration"), (LATENESS, "lateness")]
    offered += [(path, path) for path in drawing.paths]
    if drawing.value_of not in dict(offered):
        offered.append((drawing.value_of, drawing.value_of))
    return [(name, word, name == drawing.value_of) for name, word in offered]


def _nearest(timeline: Timeline, kept: Mapping[str, str]) -> str | None:
    if timeline.nearest is None:
        return None
    half = (timeline.until - timeline.since) / 2
    window = address_of(timeline.nearest - half, timeline.nearest + half, follows=False)
    return f"?{urlencode({**window, **kept})}"


def _zooms(timeline: Timeline, kept: Mapping[str, str], *, follows: bool) -> Mapping[str, str]:
    length_now = timeline.until - timeline.since
    windows = {}
    for name, factor in (("out", 2.0), ("in", 0.5)):
        wanted = max(length_now * factor, _ZOOM_LEAST)
        middle = timeline.since + length_now / 2
        since = timeline.until - wanted if follows else middle - wanted / 2
        until = timeline.until if follows else middle + wanted / 2
        windows[name] = f"?{urlencode({**address_of(since, until, follows=False), **kept})}"
    windows["back"] = f"?{urlencode(kept)}" if kept else "?"
    return windows
