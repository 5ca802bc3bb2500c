"""Puts the lanes of a timeline together, and says in words what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.hint import IntervalHint, OneShotHint
from cronicorn_domain.model.run import Run
from cronicorn_management.history.pauses import PauseSpan
from cronicorn_management.history.timeline import Timeline

from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.shapes import exact, interval, length, percent
from cronicorn_api.pages.timeline.flags import ROWS, Flag, flags_of
from cronicorn_api.pages.timeline.marks import Mark, Stack, counts_of, marks_of, stacks_of
from cronicorn_api.pages.timeline.rhythm import Gap, Rhythm, gaps_by_column, gaps_of, rhythm_of
from cronicorn_api.pages.timeline.scale import (
    COLUMNS_MOST,
    Column,
    Scale,
    Tick,
    columns_of,
    scale_of,
    ticks_of,
)
from cronicorn_api.pages.timeline.sources import author_words, source_words
from cronicorn_api.pages.timeline.values import (
    DURATION,
    LATENESS,
    Values,
    paths_in,
    points_of_answers,
    points_of_runs,
    points_of_stacks,
    values_of,
)

NARROW_COLUMNS: Final = 120
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hatch:
    """A pause as it is drawn: who, until when."""

    x: float
    width: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """
    A place of the drawing that can be read out and opened: a mark, or a column.

    Attributes:
        x: Where its middle is, in percent.
        text: What is there, whole: ``03:24:00, once by AI, ok, 4.2 s``.
        href: What opens; None: nothing.
    """

    x: float
    text: str
    href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    What the drawing shows at one place, as a row of the table that says the same.

    ``when`` is the slot, or where a step begins.
    """

    when: datetime
    outcome: Outcome | None
    what: str
    source: str
    took: str
    late: str
    why: str
    href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A timeline, drawn. Either ``marks`` or ``stacks`` are there, never both."""

    scale: Scale
    ticks: Sequence[Tick]
    marks: Sequence[Mark]
    stacks: Sequence[Stack]
    rhythm: Rhythm
    flags: Sequence[Flag]
    hatches: Sequence[Hatch]
    values: Values | None
    value_of: str
    paths: Sequence[str]
    spots: Sequence[Spot]
    rows: Sequence[Row]
    legend: Sequence[tuple[Outcome, int]]
    sentence: str
    step: str | None

    @property
    def hidden_flags(self) -> int:
        """How many hints there was no room for."""
        return sum(each.row is None for each in self.flags)

    @property
    def flag_rows(self) -> int:
        """How many rows the flags take."""
        return min(
            max((each.row + 1 for each in self.flags if each.row is not None), default=1), ROWS
        )

    @property
    def is_empty(self) -> bool:
        """Whether no slot of the window has come."""
        return not self.stacks and all(each.outcome.name == "planned" for each in self.marks)


def drawing_of(
    timeline: Timeline,
    here: ZoneInfo,
    *,
    value_of: str = DURATION,
    narrow: bool = False,
) -> Drawing:
    """Draw a timeline; times are told in a zone."""
    scale = scale_of(timeline.since, timeline.until, now=timeline.now)
    columns = _columns(timeline, here, narrow=narrow)
    runs = [] if timeline.runs is None else timeline.runs
    marks, stacks, gaps = _slots(timeline, columns, scale)
    flags = flags_of(timeline.hints, scale)
    situation = timeline.situation
    rhythm = rhythm_of(
        situation.endpoint,
        gaps,
        runs=runs,
        upcoming=timeline.upcoming,
        flags=flags,
        pauses=timeline.pauses,
        floor=situation.floor,
        scale=scale,
    )
    counts = counts_of(marks, stacks)
    telling = _Telling(here=here, now=timeline.now, long=scale.length > _DAY)
    return Drawing(
        scale=scale,
        ticks=ticks_of(scale, here),
        marks=marks,
        stacks=stacks,
        rhythm=rhythm,
        flags=flags,
        hatches=[telling.hatch(each, scale) for each in timeline.pauses],
        values=_values(timeline, stacks, runs, scale, value_of),
        value_of=value_of,
        paths=paths_in(timeline.answers),
        spots=[*(telling.spot(each) for each in marks), *(telling.step(each) for each in stacks)],
        rows=[*(telling.row(each) for each in marks), *(telling.row_of(each) for each in stacks)][
            ::-1
        ],
        legend=[(OUTCOMES[name], counts[name]) for name in OUTCOMES if name in counts],
        sentence=_sentence(timeline, counts, flags),
        step=interval(columns[0].ends_at - columns[0].begins_at) if stacks else None,
    )


def _slots(
    timeline: Timeline, columns: Sequence[Column], scale: Scale
) -> tuple[Sequence[Mark], Sequence[Stack], Sequence[Gap]]:
    """Draw each slot as a mark, or, where they are too many, those of a step as a column."""
    records = timeline.slot_records
    if timeline.runs is None:
        stacks = stacks_of(timeline.stretches, records, columns, scale)
        return (), stacks, gaps_by_column(timeline.stretches, columns)
    marks = marks_of(timeline.runs, records, timeline.upcoming, scale)
    return marks, (), gaps_of(timeline.runs, records)


def hint_words(flag: Flag, here: ZoneInfo, now: datetime) -> str:
    """Tell a hint in words: ``AI: every 30 s to 04:12``."""
    telling = _Telling(here=here, now=now, long=False)
    who = author_words(flag.hint.author)
    who = f"{who[0].upper()}{who[1:]}"
    match flag.hint:
        case IntervalHint(every=every):
            what = f"every {interval(every)} from {telling.at(flag.hint.created_at)}"
            end = flag.record.ended_at or flag.hint.expires_at
            told = "cleared" if flag.was_cleared else "to"
            return f"{who}: {what} {told} {telling.at(end)}"
        case OneShotHint(at=at):
            served = "run" if flag.was_consumed else "cleared" if flag.was_cleared else "waiting"
            served = "not run" if served == "waiting" and flag.record.end is not None else served
            return f"{who}: once at {telling.at(at)}, {served}"


def narrowed(timeline: Timeline, most: int) -> bool:
    """Say whether a timeline has more runs than a narrow drawing has room for."""
    return timeline.runs is not None and len(timeline.runs) > most


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """Says what is drawn; ``long`` windows need the day of a time, too."""

    here: ZoneInfo
    now: datetime
    long: bool

    def at(self, instant: datetime) -> str:
        local = instant.astimezone(self.here)
        text = local.strftime("%H:%M:%S")
        same = local.date() == self.now.astimezone(self.here).date()
        return text if same and not self.long else f"{local:%b %-d} {text}"

    def spot(self, mark: Mark) -> Spot:
        href = None if mark.run is None else f"/runs/{mark.run.id}"
        return Spot(x=mark.x, text=", ".join(self._words(mark)), href=href)

    def step(self, stack: Stack) -> Spot:
        query = urlencode(
            {"from": _iso(stack.column.begins_at), "until": _iso(stack.column.ends_at)}
        )
        text = f"{self._span(stack.column)}: {_counted(stack)}"
        late = stack.mean_lateness
        if stack.late and late is not None:
            text += f", {length(late)} late on average"
        return Spot(x=round(stack.x + stack.width / 2, 2), text=text, href=f"?{query}")

    def row(self, mark: Mark) -> Row:
        run, record, decision = mark.run, mark.record, mark.decision
        late = (
            None if run is None or run.started_at is None else run.started_at - run.decision.due_at
        )
        count = 1 if record is None else record.count
        word = mark.outcome.word if count == 1 else f"{exact(count)} {mark.outcome.word}"
        return Row(
            when=mark.at,
            outcome=mark.outcome,
            what=f"{word}, attempt {mark.attempt}" if mark.attempt else word,
            source="" if decision is None else source_words(decision.source),
            took=_took(run),
            late=length(late) if mark.late else "",
            why=_why(mark),
            href=None if run is None else f"/runs/{run.id}",
        )

    def row_of(self, stack: Stack) -> Row:
        late = stack.mean_lateness
        return Row(
            when=stack.column.begins_at,
            outcome=stack.parts[0].outcome,
            what=_counted(stack),
            source="",
            took=length(stack.mean_duration),
            late=length(late) if stack.late else "",
            why="",
            href=self.step(stack).href,
        )

    def hatch(self, pause: PauseSpan, scale: Scale) -> Hatch:
        x, end = scale.x(pause.since), scale.x(pause.until)
        until = "until resumed" if pause.until >= OPEN_ENDED else f"to {self.at(pause.until)}"
        why = f" ({pause.reason})" if pause.reason else ""
        text = f"paused{_by(pause.actor)} {until}{why}"
        return Hatch(x=x, width=round(max(end - x, 0.3), 2), text=text)

    def _words(self, mark: Mark) -> Sequence[str]:
        row = self.row(mark)
        told = [self.at(mark.at), row.source, row.what]
        if row.took and row.took != "-":
            told.append(row.took)
        if row.late:
            told.append(f"{row.late} late")
        if row.why:
            told.append(row.why)
        return [each for each in told if each]

    def _span(self, column: Column) -> str:
        ends_at = column.ends_at.astimezone(self.here)
        if column.ends_at - column.begins_at >= _DAY:
            return f"{column.begins_at.astimezone(self.here):%b %-d}"
        return f"{self.at(column.begins_at)[:-3]} to {ends_at:%H:%M}"


def _columns(timeline: Timeline, here: ZoneInfo, *, narrow: bool) -> Sequence[Column]:
    """Divide the window; no column is shorter than the statistics of it are fine."""
    most = NARROW_COLUMNS if narrow else COLUMNS_MOST
    coarsest = max((each.lasts for each in timeline.stretches), default=timedelta(minutes=1))
    fitting = (timeline.until - timeline.since) // coarsest + 2
    return columns_of(timeline.since, timeline.until, here, most=max(min(most, fitting), 2))


def _values(
    timeline: Timeline,
    stacks: Sequence[Stack],
    runs: Sequence[Run],
    scale: Scale,
    value_of: str,
) -> Values | None:
    endpoint = timeline.situation.endpoint
    if value_of not in {DURATION, LATENESS}:
        points = points_of_answers(timeline.answers, value_of, [run.slot for run in runs])
    elif stacks:
        points = points_of_stacks(stacks, value_of)
    else:
        points = points_of_runs(runs, value_of)
    return values_of(points, scale, of=value_of, endpoint=endpoint)


def _sentence(timeline: Timeline, counts: Mapping[str, int], flags: Sequence[Flag]) -> str:
    """Say what the drawing says."""
    total = sum(counts.values())
    span = length(timeline.until - timeline.since)
    if not total:
        return f"No slot in {span}."
    told = ", ".join(
        f"{exact(counts[name])} {OUTCOMES[name].word}" for name in OUTCOMES if name in counts
    )
    judged = counts.get("success", 0) + counts.get("target_failure", 0)
    rate = f" {percent(counts.get('success', 0), judged)} ok." if judged else ""
    hints = f" {len(flags)} hint{'s' if len(flags) != 1 else ''}." if flags else ""
    slots = "1 slot" if total == 1 else f"{exact(total)} slots"
    return f"{slots} in {span}: {told}.{rate}{hints}"


def _by(actor: str | None) -> str:
    return "" if actor is None else f" by {actor.partition(':')[2] or actor}"


def _counted(stack: Stack) -> str:
    return ", ".join(f"{exact(part.count)} {part.outcome.word}" for part in stack.parts)


def _took(run: Run | None) -> str:
    if run is None or run.started_at is None or run.finished_at is None:
        return ""
    return length(run.finished_at - run.started_at)


def _why(mark: Mark) -> str:
    if mark.record is not None:
        return mark.record.reason
    if mark.run is not None and mark.outcome.name != "success":
        return mark.run.message or ""
    return ""


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
