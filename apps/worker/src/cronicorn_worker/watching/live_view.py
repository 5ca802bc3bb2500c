"""The live view: the board, drawn on a terminal four times a second."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.outcome_kind import OutcomeKind
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.wording import length_in_words
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cronicorn_worker.lengths import format_length
from cronicorn_worker.watching.board import MARKS_MOST, Board, Standing, Trace
from cronicorn_worker.watching.log_lines import milliseconds
from cronicorn_worker.watching.outcomes import MARKS
from cronicorn_worker.watching.planners import planners_in_words

_EVERY = timedelta(milliseconds=250)
_AROUND_ROWS = 11
_WIDE = 100
_REASONS_MOST = 2
_FINEST = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(hours=1), timedelta(minutes=1)),
    (NO_TIME, timedelta(seconds=1)),
)
"""From which length on which unit is the finest that is told."""
_STYLES = {
    Condition.ACTIVE: "",
    Condition.RUNNING: "cyan",
    Condition.PAUSED: "blue",
    Condition.DEFERRED: "blue",
    Condition.QUARANTINED: "bold red",
    Condition.FINISHED: "dim",
    Condition.ARCHIVED: "dim",
}


def rows_that_fit(console: Console) -> int:
    """Say how many endpoints the terminal has room for."""
    return max(3, console.size.height - _AROUND_ROWS)


async def keep_drawing(board: Board, console: Console, clock: Clock) -> None:
    """Draw the board until cancelled; the last picture stays on the terminal."""
    with Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                live.update(drawn(board, clock.now(), console), refresh=True)
                await clock.sleep_until(clock.now() + _EVERY)
        finally:
            live.update(drawn(board, clock.now(), console), refresh=True)


def drawn(board: Board, now: datetime, console: Console) -> RenderableType:
    """Draw the board as it is, for the size that the terminal has now."""
    plain = not console.encoding.lower().startswith("utf")
    rows = board.standings[: rows_that_fit(console)]
    parts: list[RenderableType] = [_head(board, now)]
    if board.phase:
        parts.append(_line(board.phase, style="bold"))
    parts.append(_table(board, rows, now, wide=console.width >= _WIDE, plain=plain))
    if board.more or len(board.standings) > len(rows):
        parts.append(_line("and more endpoints than fit here", style="dim"))
    parts += [_reason(row) for row in rows if _in_trouble(row)][:_REASONS_MOST]
    parts.append(_legend(board, plain=plain))
    parts += [_line(notice, style="yellow") for notice in board.notices]
    return Group(*parts)


def _head(board: Board, now: datetime) -> Text:
    tally = board.tally
    failed = tally.settled - tally.outcomes[OutcomeKind.SUCCESS]
    adapted = planners_in_words(tally.planned_by, adapted_only=True)
    p50, p99 = tally.lateness.percentile(0.50), tally.lateness.percentile(0.99)
    parts = [
        board.title,
        length_in_words(_whole_seconds(now - board.began)),
        f"{tally.settled} runs, {failed} not well",
    ]
    if adapted:
        parts.append(adapted)
    if p50 is not None and p99 is not None:
        parts.append(f"late p50 {milliseconds(p50)} p99 {milliseconds(p99)} ms")
    parts.append(board.store)
    return _line(" · ".join(parts), style="reverse")


def _table(
    board: Board, rows: Sequence[Standing], now: datetime, *, wide: bool, plain: bool
) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, header_style="dim")
    table.add_column("endpoint", no_wrap=True, overflow="ellipsis", max_width=26 if wide else 16)
    table.add_column("state", no_wrap=True, width=11)
    table.add_column("next", no_wrap=True, width=7, justify="right")
    table.add_column("last", no_wrap=True, width=MARKS_MOST)
    if wide:
        table.add_column("late", no_wrap=True, width=9, justify="right")
    table.add_column("why", no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
    several = len({row.job for row in rows}) > 1
    for row in rows:
        trace = board.traces.get(row.endpoint_id) or Trace()
        cells: list[str | Text] = [
            Text(f"{row.job} / {row.name}" if several else row.name),
            _state(row, trace),
            _next(row, now),
            _marks(trace, plain=plain),
        ]
        if wide:
            cells.append("" if trace.late is None else f"{milliseconds(trace.late)} ms")
        cells.append(Text(row.why.removeprefix("its schedule says ")))
        table.add_row(*cells)
    return table


def _in_trouble(row: Standing) -> bool:
    return row.condition is Condition.QUARANTINED or (
        row.condition is Condition.ACTIVE and row.failures > 0
    )


def _reason(row: Standing) -> Text:
    return _line(f"{row.name}: {row.why}", style="dim")


def _state(row: Standing, trace: Trace) -> Text:
    if trace.running:
        return Text(Condition.RUNNING.value, style=_STYLES[Condition.RUNNING])
    if row.condition is Condition.ACTIVE and row.failures:
        return Text(f"failing {row.failures}", style="red")
    return Text(row.condition.value, style=_STYLES[row.condition])


def _next(row: Standing, now: datetime) -> str:
    if row.decision is None or row.condition in {Condition.QUARANTINED, Condition.PAUSED}:
        return "-"
    left = row.decision.due_at - now
    if left <= NO_TIME:
        return "now"
    return f"{left.total_seconds():.1f} s" if left < timedelta(seconds=10) else _rounded(left)


def _rounded(length: timedelta) -> str:
    """Write a length with its two largest units: ``59s``, ``11h59m``, ``366d23h``."""
    finest = next(fine for above, fine in _FINEST if length >= above)
    return format_length(length // finest * finest)


def _marks(trace: Trace, *, plain: bool) -> Text:
    text = Text()
    for kind in trace.marks:
        mark = MARKS[kind]
        text.append(mark.plain if plain else mark.sign, style=mark.style)
    return text


def _legend(board: Board, *, plain: bool) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for kind in _seen(board):
        mark = MARKS[kind]
        text.append(mark.plain if plain else mark.sign, style=mark.style)
        text.append(f" {kind.value}  ", style="dim")
    return text


def _seen(board: Board) -> Iterator[OutcomeKind]:
    return (kind for kind in OutcomeKind if board.tally.outcomes[kind])


def _line(text: str, *, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _whole_seconds(length: timedelta) -> timedelta:
    return timedelta(seconds=length // timedelta(seconds=1))
