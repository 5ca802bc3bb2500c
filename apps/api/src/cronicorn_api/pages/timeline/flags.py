"""Hints as they are drawn: a flag each, filled while in force, in rows that never overlap."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cronicorn_domain.model.hint import Author, Hint, IntervalHint, OneShotHint
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord

from cronicorn_api.pages.timeline.scale import Scale

ROWS: Final = 4
ROW_HEIGHT: Final = 14
_WIDTH_LEAST: Final = 4.0
"""In percent: so much of a row a flag takes at least, so that its name can be read."""
_LETTERS: Final = {Author.AI: "A", Author.RULE: "R", Author.API: "P", Author.RESPONSE: "T"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeStretch:
    """A part of a hint's life: in force, or outranked by another that was."""

    x: float
    end: float
    in_force: bool

    @property
    def css(self) -> str:
        """The class it is drawn with."""
        return "in-force" if self.in_force else "outranked"

    @property
    def width(self) -> float:
        """How wide it is, in percent; something is always seen."""
        return round(max(self.end - self.x, 0.2), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """
    A hint as it is drawn.

    Attributes:
        name: Who proposed it and the how-manieth of theirs it is: ``A1``.
        record: The hint, and how it ended.
        x: Where its life begins, in percent; a one-shot's place is its instant.
        end: Where it ends.
        row: In which row it stands; None: there was no room.
        stretches: The parts of its life.
    """

    name: str
    record: HintRecord
    x: float
    end: float
    row: int | None
    stretches: Sequence[LifeStretch] = ()

    @property
    def hint(self) -> Hint:
        """The hint."""
        return self.record.hint

    @property
    def width(self) -> float:
        """How wide it is, in percent."""
        return round(max(self.end - self.x, 0.2), 2)

    @property
    def is_oneshot(self) -> bool:
        """Whether it asks for one run."""
        return isinstance(self.hint, OneShotHint)

    @property
    def was_cleared(self) -> bool:
        """Whether somebody ended it."""
        return self.record.end is HintEnd.CLEARED

    @property
    def was_consumed(self) -> bool:
        """Whether a run served it."""
        return self.record.end is HintEnd.CONSUMED

    @property
    def y(self) -> int:
        """Where its row begins, in pixels."""
        return (self.row or 0) * ROW_HEIGHT

    @property
    def outranked(self) -> bool:
        """Whether it never was in force."""
        return bool(self.stretches) and not any(each.in_force for each in self.stretches)


def flags_of(records: Sequence[HintRecord], scale: Scale) -> Sequence[Flag]:
    """Return a flag for each hint, the earliest first."""
    earliest = sorted(records, key=lambda each: (each.hint.created_at, each.hint.id))
    numbers: Counter[str] = Counter()
    ends = [-_WIDTH_LEAST] * ROWS
    flags = []
    for record in earliest:
        letter = _LETTERS[record.hint.author]
        numbers[letter] += 1
        begins_at, ends_at = _life(record)
        if isinstance(record.hint, OneShotHint):
            begins_at = ends_at = record.hint.at
        x, end = scale.x(begins_at), scale.x(ends_at)
        row = next((number for number, taken in enumerate(ends) if taken <= x), None)
        if row is not None:
            ends[row] = max(end, x + _WIDTH_LEAST) + 0.3
        flags.append(
            Flag(
                name=f"{letter}{numbers[letter]}",
                record=record,
                x=x,
                end=end,
                row=row,
                stretches=_stretches(record, earliest, scale),
            )
        )
    return flags


def in_force_at(records: Sequence[HintRecord], instant: datetime) -> HintRecord | None:
    """Return the interval hint that went before all others then: a person's, the newest."""
    alive = [
        record
        for record in records
        if isinstance(record.hint, IntervalHint) and _life(record)[0] <= instant < _life(record)[1]
    ]
    return max(
        alive,
        key=lambda each: (each.hint.author is Author.API, each.hint.created_at, each.hint.id),
        default=None,
    )


def _life(record: HintRecord) -> tuple[datetime, datetime]:
    hint = record.hint
    return hint.created_at, record.ended_at or hint.expires_at


def _stretches(
    record: HintRecord, others: Sequence[HintRecord], scale: Scale
) -> Sequence[LifeStretch]:
    """Divide a hint's life where another one begins or ends, and judge each part."""
    if not isinstance(record.hint, IntervalHint):
        return ()
    begins_at, ends_at = _life(record)
    edges = {begins_at, ends_at}
    for other in others:
        edges |= {edge for edge in _life(other) if begins_at < edge < ends_at}
    parts: list[LifeStretch] = []
    instants = sorted(edges)
    for start, end in pairwise(instants):
        if end <= scale.since or start >= scale.ends_at:
            continue
        first = in_force_at(others, start)
        in_force = first is not None and first.hint.id == record.hint.id
        x, right = scale.x(start), scale.x(end)
        if parts and parts[-1].in_force == in_force:
            x = parts.pop().x
        parts.append(LifeStretch(x=x, end=right, in_force=in_force))
    return parts
