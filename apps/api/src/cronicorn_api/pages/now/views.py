"""This moment, as its page shows it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.ports.board import Counts
from cronicorn_domain.ports.overview import Tally
from cronicorn_management.dashboard.moment import AHEAD, LastHour, Now, Outlook
from cronicorn_management.dashboard.speed import lateness_at_most

from cronicorn_api.pages.endpoints.standing import Bar, Row, failing_since, row_of
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.shapes import NOTHING, count, exact, length

_MINUTE: Final = timedelta(minutes=1)
_BEHIND: Final = 5
_AHEAD: Final = AHEAD // _MINUTE
STRIP_HEIGHT: Final = 64
HOUR_HEIGHT: Final = 48
LATE_HEIGHT: Final = 24
_STEP: Final = 10
_WIDTH: Final = 8
_LEAST: Final = 3
"""So tall is whatever there is at least, so that one failure in ten thousand is seen."""
_HOUR_MINUTES: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a sum, with the mark it is known by, and the list that shows it."""

    outcome: Outcome
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StripView:
    """
    The minutes around now: what ran, and what is to.

    Attributes:
        here: The place of now.
        words: What the drawing says.
        peak: How many there are in the minute of ``peak_at``, which has the most; without one, that
            there is nothing.
    """

    bars: Sequence[Bar]
    here: int
    width: int
    words: str
    peak: str
    peak_at: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourView:
    """
    The last hour.

    Attributes:
        words: What the drawing says.
        late_bars: How late 99 of 100 of each minute started at most; ``late_words`` says it.
        rate: Runs a minute; ``before``: the same a day before.
    """

    slots: str
    parts: Sequence[Part]
    bars: Sequence[Bar]
    words: str
    late_bars: Sequence[Bar]
    late_words: str
    rate: str
    before: str
    lateness: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedyRow:
    """What needs somebody; ``since`` says since when it fails, and how; empty: it does not."""

    row: Row
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsView:
    """
    What needs somebody, and the sentence of state.

    Attributes:
        more: So many are not shown.
        well_since: When the last minute ended in which a run failed; None: none of the last hour.
    """

    sentence: str
    rows: Sequence[NeedyRow]
    more: int
    is_empty: bool
    failing: int
    well_since: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NowView:
    """The page of this moment."""

    at: Moment
    needs: NeedsView
    strip: StripView
    hour: HourView


def now_view(now: Now, zones: Zones) -> NowView:
    """Tell of this moment."""
    return NowView(
        at=zones.moment(now.at),
        needs=needs_of(now, zones),
        strip=strip_view(now.last_hour, now.outlook, zones, now.at),
        hour=hour_view(now.last_hour),
    )


def needs_of(now: Now, zones: Zones) -> NeedsView:
    """Tell what needs somebody; the height is kept, so that nothing below moves."""
    counts = now.counts
    rows = [
        NeedyRow(
            row=row_of(each, (), zones),
            since=failing_since(each, now.latest.get(each.id, ()), zones),
        )
        for each in now.needy
    ]
    known = counts.failing + counts.late + counts.deferred + counts.quarantined
    return NeedsView(
        sentence=sentence_of(counts),
        rows=rows,
        more=max(0, known - len(rows)),
        is_empty=counts.endpoints == 0,
        failing=counts.failing,
        well_since=zones.moment_if_any(_last_failure(now.last_hour)),
    )


def _last_failure(hour: LastHour) -> datetime | None:
    failing = (
        each.begins_at + _MINUTE
        for each in hour.minutes
        if each.tally.target_failure or each.tally.our_failure
    )
    return max(failing, default=None)


def sentence_of(counts: Counts) -> str:
    """Say where all of them stand: ``3 failing, 1 late, 2 deferred of 812``."""
    if not counts.endpoints:
        return "There are no endpoints yet."
    told = (
        (counts.quarantined, "set aside"),
        (counts.failing, "failing"),
        (counts.late, "late"),
        (counts.deferred, "deferred"),
    )
    parts = [f"{exact(number)} {word}" for number, word in told if number]
    head = ", ".join(parts) if parts else "All well"
    tail = f"{exact(counts.running)} running, {exact(counts.paused)} paused"
    return f"{head} of {exact(counts.endpoints)}; {tail}."


def strip_view(hour: LastHour, ahead: Outlook, zones: Zones, now: datetime) -> StripView:
    """Draw the minutes around now; columns are as tall as they have runs, by the square root."""
    first = now.replace(second=0, microsecond=0) - _BEHIND * _MINUTE
    ran = {each.begins_at: each.tally for each in hour.minutes}
    planned: Mapping[datetime, int] = ahead.minutes
    minutes = [first + number * _MINUTE for number in range(_BEHIND + _AHEAD + 1)]
    tallest = max([1, *(ran[each].runs for each in minutes if each in ran), *planned.values()])
    peak = ahead.peak
    bars: list[Bar] = []
    for number, minute in enumerate(minutes):
        x = number * _STEP + 1
        stack = _stacked(ran[minute], x, tallest, STRIP_HEIGHT) if minute in ran else ()
        bars += stack
        if minute in planned:
            is_peak = peak is not None and peak[0] == minute
            top = min((each.y for each in stack), default=STRIP_HEIGHT)
            tall = min(_tall(planned[minute], tallest, STRIP_HEIGHT), top)
            bars.append(Bar(css="peak" if is_peak else "soon", x=x, y=top - tall, height=tall))
    coming = sum(planned.values())
    told = "nothing is planned in the next 15 minutes" if peak is None else exact(peak[1])
    behind = sum(ran[each].runs for each in minutes if each in ran)
    return StripView(
        bars=bars,
        here=_BEHIND * _STEP + round(_STEP * (now.second / 60)),
        width=len(minutes) * _STEP,
        words=f"{exact(behind)} runs in the last 5 minutes, {exact(coming)} planned in the next 15",
        peak=told,
        peak_at=None if peak is None else zones.moment(peak[0]),
    )


def hour_view(hour: LastHour) -> HourView:
    """Tell of the last hour, beside the same hour of yesterday."""
    tally = hour.tally
    not_run = sum(hour.not_run.values())
    parts = [
        Part(outcome=OUTCOMES["success"], number=exact(tally.success)),
        Part(outcome=OUTCOMES["target_failure"], number=exact(tally.target_failure)),
        Part(outcome=OUTCOMES["our_failure"], number=exact(tally.our_failure)),
        Part(outcome=OUTCOMES["not_run"], number=exact(not_run)),
    ]
    most = max((each.tally.runs for each in hour.minutes), default=0)
    tallest = max(1, most)
    bars: list[Bar] = []
    for minute in hour.minutes:
        number = (minute.begins_at - hour.since) // _MINUTE
        bars += _stacked(minute.tally, number * _STEP + 1, tallest, HOUR_HEIGHT)
    before = _rate(hour.yesterday.runs)
    late = hour.lateness
    latest = _latest(hour)
    return HourView(
        slots=exact(hour.slots),
        parts=parts,
        bars=bars,
        words=f"{exact(tally.runs)} runs by the minute, at most {exact(most)} in one",
        late_bars=[
            Bar(css="late", x=x, y=LATE_HEIGHT - tall, height=tall)
            for x, tall in ((x, _late_tall(lateness)) for x, lateness in latest)
        ],
        late_words=(
            f"99 of 100 of a minute started within {length(max(each for _, each in latest))} of"
            " being due, in the worst minute"
            if latest
            else ""
        ),
        rate=_rate(tally.runs),
        before=before if hour.yesterday.runs else NOTHING,
        lateness=None if late is None else (length(late[0]), length(late[1])),
    )


def _latest(hour: LastHour) -> Sequence[tuple[int, timedelta]]:
    """Place each minute that has a lateness, with that of 99 of 100 of its runs."""
    found = (
        ((each.begins_at - hour.since) // _MINUTE, lateness_at_most(each.lateness, 0.99))
        for each in hour.minutes
    )
    return [(number * _STEP + 1, late) for number, late in found if late is not None]


def _late_tall(late: timedelta) -> int:
    """Draw 1 ms to 10 min by the logarithm."""
    share = math.log(max(late / timedelta(milliseconds=1), 1)) / math.log(600_000)
    return max(1, round(min(share, 1) * LATE_HEIGHT))


def _rate(runs: int) -> str:
    """Write runs a minute; fewer than ten with digits more."""
    if runs < _HOUR_MINUTES:
        return f"{runs * 100 // _HOUR_MINUTES / 100:.2f}" if runs else "0"
    tenths = runs * 10 // _HOUR_MINUTES
    return count(tenths // 10) if tenths >= 100 else f"{tenths // 10}.{tenths % 10}"  # noqa: PLR2004


def _stacked(tally: Tally, x: int, tallest: int, height: int) -> Sequence[Bar]:
    """Draw failures at the base, and what went well above them."""
    parts = (
        ("target-failed", tally.target_failure),
        ("we-failed", tally.our_failure),
        ("not-run", tally.not_attempted),
        ("ok", tally.success),
    )
    whole = max(_tall(tally.runs, tallest, height), _LEAST)
    bars: list[Bar] = []
    y = height
    for css, number in parts:
        if number:
            tall = max(_LEAST, whole * number // tally.runs)
            y = max(0, y - tall)
            bars.append(Bar(css=css, x=x, y=y, height=tall))
    return bars


def _tall(number: int, tallest: int, height: int) -> int:
    return max(_LEAST, round((height - 4) * (number / tallest) ** 0.5)) if number else 0
