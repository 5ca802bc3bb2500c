"""
What a drawing shows of slots: one mark each while they are few, columns of many when they are not.

How something looks is said by the table of outcomes alone; the legend is made from it, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log, sqrt
from typing import Final

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.chronicle import Stretch

from cronicorn_api.pages.frame.outcomes import (
    OUTCOMES,
    Outcome,
    outcome_of_fate,
    outcome_of_run,
)
from cronicorn_api.pages.timeline.scale import Column, Scale

AXIS: Final = 48
"""Where the axis of the runs lies, in pixels from the top of their lane."""
TALL: Final = 34
SHORT: Final = 18
LEAST: Final = 3
"""Nothing that is there is drawn smaller than this."""
LATE_FROM: Final = timedelta(seconds=1)
LATE_MOST: Final = timedelta(minutes=10)
_LATE_HEIGHTS: Final = (2, 16)
_HEIGHTS: Final = {"ok": SHORT, "target-failed": TALL, "we-failed": TALL, "running": SHORT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """
    A slot as it is drawn.

    Attributes:
        at: Its instant.
        x: Where it lies, in percent.
        outcome: What became of it.
        height: Of its bar, in pixels above the axis; 0 for what has none.
        late: Of what hangs below the axis, in pixels; 0: it was in time.
        run: The run; None for a slot that was not run, or is only planned.
        record: What was not run instead.
        decision: What is planned, or was for the run.
        until: How far what is under way reaches, in percent.
    """

    at: datetime
    x: float
    outcome: Outcome
    height: int = 0
    late: int = 0
    run: Run | None = None
    record: SlotRecord | None = None
    decision: Decision | None = None
    until: float | None = None

    @property
    def y(self) -> int:
        """Where its bar begins, from the top."""
        return AXIS - self.height

    @property
    def attempt(self) -> int:
        """Which attempt it was, where that is worth a number; else 0."""
        return self.run.attempt if self.run is not None and self.run.attempt > 1 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some slots of a column that share an outcome; the bar lies ``y`` from the top."""

    outcome: Outcome
    count: int
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """
    The slots of a whole step of time, drawn as one column.

    ``mean_lateness`` is that of the runs that were timed; ``late`` is how far it hangs, in pixels.
    """

    column: Column
    x: float
    width: float
    parts: Sequence[Part]
    late: float = 0
    mean_lateness: timedelta | None = None
    mean_duration: timedelta | None = None

    @property
    def count(self) -> int:
        """How many slots there were."""
        return sum(each.count for each in self.parts)


@dataclass(slots=True)
class _Heap:
    counts: dict[str, int] = field(default_factory=dict)
    timed: int = 0
    lateness: timedelta = NO_TIME
    duration: timedelta = NO_TIME

    def add(self, name: str, count: int) -> None:
        if count:
            self.counts[name] = self.counts.get(name, 0) + count


def marks_of(
    runs: Iterable[Run],
    records: Sequence[SlotRecord],
    upcoming: Iterable[Decision],
    scale: Scale,
) -> Sequence[Mark]:
    """Return a mark for each run, for each record of what was not run, and for what is planned."""
    marks = [_of_run(run, scale) for run in runs if not _is_on_record(run, records)]
    marks += [_of_record(record, scale) for record in records]
    if scale.follows:
        marks += [
            Mark(
                at=each.due_at,
                x=scale.x(each.due_at),
                outcome=OUTCOMES["planned"],
                height=6,
                decision=each,
            )
            for each in upcoming
            if scale.shows(each.due_at)
        ]
    return sorted(marks, key=lambda mark: mark.at)


def stacks_of(
    stretches: Iterable[Stretch],
    records: Iterable[SlotRecord],
    columns: Sequence[Column],
    scale: Scale,
) -> Sequence[Stack]:
    """Return a stack for each column in which there is anything."""
    heaps = [_Heap() for _ in columns]
    for stretch in stretches:
        if (number := _column_at(columns, stretch.begins_at)) is not None:
            _pour(heaps[number], stretch)
    for record in records:
        for number, count in _spread(record, columns):
            heaps[number].add(record.fate.value, count)
    most = max((sum(heap.counts.values()) for heap in heaps), default=0)
    return [
        _stack(column, heap, scale, most)
        for column, heap in zip(columns, heaps, strict=True)
        if heap.counts
    ]


def late_height(lateness: timedelta | None) -> int:
    """Return how far lateness hangs below the axis: 2 px for a second, 16 for ten minutes."""
    if lateness is None or lateness < LATE_FROM:
        return 0
    share = log(min(lateness, LATE_MOST) / LATE_FROM) / log(LATE_MOST / LATE_FROM)
    least, most = _LATE_HEIGHTS
    return round(least + share * (most - least))


def lateness_of(run: Run) -> timedelta | None:
    """Return how long after its due instant a run started; None: it did not."""
    if run.started_at is None or (
        run.outcome_class is None and run.status is not RunStatus.RUNNING
    ):
        return None
    return run.started_at - run.decision.due_at


def counts_of(marks: Iterable[Mark], stacks: Iterable[Stack]) -> Mapping[str, int]:
    """Count slots by the names of their outcomes, planned ones left out."""
    counts: dict[str, int] = {}
    for mark in marks:
        if mark.outcome.name != "planned":
            count = 1 if mark.record is None else mark.record.count
            counts[mark.outcome.name] = counts.get(mark.outcome.name, 0) + count
    for stack in stacks:
        for part in stack.parts:
            counts[part.outcome.name] = counts.get(part.outcome.name, 0) + part.count
    return counts


def _of_run(run: Run, scale: Scale) -> Mark:
    outcome = outcome_of_run(run.status, run.failure_kind)
    at = run.decision.due_at if scale.shows(run.decision.due_at) else run.slot
    return Mark(
        at=at,
        x=scale.x(at),
        outcome=outcome,
        height=_HEIGHTS.get(outcome.css, 0),
        late=late_height(lateness_of(run)),
        run=run,
        decision=run.decision,
        until=scale.x(scale.now) if run.status is RunStatus.RUNNING else None,
    )


def _of_record(record: SlotRecord, scale: Scale) -> Mark:
    at = min(max(record.last, scale.since), scale.ends_at)
    return Mark(at=at, x=scale.x(at), outcome=outcome_of_fate(record.fate), record=record)


def _is_on_record(run: Run, records: Iterable[SlotRecord]) -> bool:
    """Say whether a run sent nothing and is told, with the reason, by a record."""
    sent_nothing = run.status is RunStatus.CANCELED
    return sent_nothing and any(each.first <= run.slot <= each.last for each in records)


def _pour(heap: _Heap, stretch: Stretch) -> None:
    tally = stretch.tally
    heap.add("success", tally.success)
    heap.add("target_failure", tally.target_failure)
    heap.add("our_failure", tally.our_failure)
    heap.timed += tally.timed
    heap.lateness += stretch.lateness
    heap.duration += tally.duration


def _column_at(columns: Sequence[Column], instant: datetime) -> int | None:
    """Find the column of an instant; what lies before the first one belongs to it."""
    if not columns or instant >= columns[-1].ends_at:
        return None
    low, high = 0, len(columns) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if columns[middle].begins_at <= instant:
            low = middle
        else:
            high = middle - 1
    return low


def _spread(record: SlotRecord, columns: Sequence[Column]) -> Iterable[tuple[int, int]]:
    """Spread the slots of a record over the columns it reaches, as evenly as they lay."""
    if not columns or record.last < columns[0].begins_at or record.first >= columns[-1].ends_at:
        return
    first = _column_at(columns, max(record.first, columns[0].begins_at)) or 0
    last = _column_at(columns, min(record.last, columns[-1].begins_at)) or 0
    length = record.last - record.first
    told = 0.0
    given = 0
    for number in range(first, last + 1):
        begins_at = max(columns[number].begins_at, record.first)
        ends_at = min(columns[number].ends_at, record.last)
        share = 1.0 if first == last or not length else max(ends_at - begins_at, NO_TIME) / length
        told += share * record.count
        count = round(told) - given
        given += count
        if count:
            yield number, count


_ORDER: Final = ("target_failure", "our_failure", "blocked", "deferred", "skipped", "coalesced")
"""From the axis up: what went wrong stands where it is always seen, and ok on top of it."""


def _stack(column: Column, heap: _Heap, scale: Scale, most: int) -> Stack:
    total = sum(heap.counts.values())
    height = max(TALL * sqrt(total / most), LEAST)
    names = [*_ORDER, *(name for name in sorted(heap.counts) if name not in _ORDER)]
    present = [name for name in names if heap.counts.get(name)]
    parts, y = [], float(AXIS)
    for name in present:
        own = max(height * heap.counts[name] / total, LEAST)
        y = round(y - own, 1)
        parts.append(
            Part(outcome=OUTCOMES[name], count=heap.counts[name], y=y, height=round(own, 1))
        )
    x, end = scale.x(column.begins_at), scale.x(column.ends_at)
    lateness = heap.lateness / heap.timed if heap.timed else None
    return Stack(
        column=column,
        x=x,
        width=round(end - x, 2),
        parts=parts,
        late=late_height(lateness),
        mean_lateness=lateness,
        mean_duration=heap.duration / heap.timed if heap.timed else None,
    )
