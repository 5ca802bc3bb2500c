"""
Reads one field of a cron expression: ``*/15``, ``MON-FRI``, ``1,15,L``.

    field  = item { "," item }         or "?" for either day field
    item   = ( "*" | value | value "-" value ) [ "/" step ]  |  described day
    value  = a number, or a name where the field has names

A value with a step and no end runs to the end of the field: ``10/20`` is ``10-59/20``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.schedules.cron_month import (
    SUNDAY,
    DayOfMonth,
    LastDay,
    LastWeekday,
    LastWorkday,
    NearestWorkday,
    NthWeekday,
)

_SHOWN_MAX = 40
_ITEM = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,9}))?", re.ASCII)
_NEAREST_WORKDAY = re.compile(r"(?P<day>\d{1,2})W", re.ASCII)
_LAST_WEEKDAY = re.compile(r"(?P<weekday>\w+)L", re.ASCII)
_NTH_WEEKDAY = re.compile(r"(?P<weekday>\w+)#(?P<nth>\d)", re.ASCII)
_NTH_MAX = 5


def _numbered(names: str, *, start: int) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(names.split(), start)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldKind:
    """One of the six places of an expression, and what may stand there."""

    name: str
    lowest: int
    highest: int
    names: Mapping[str, int] = field(default_factory=dict)
    expected: str
    example: str


SECOND = FieldKind(name="second", lowest=0, highest=59, expected="0-59", example="*/10")
MINUTE = FieldKind(name="minute", lowest=0, highest=59, expected="0-59", example="*/15")
HOUR = FieldKind(name="hour", lowest=0, highest=23, expected="0-23", example="8-18")
DAY_OF_MONTH = FieldKind(
    name="day-of-month",
    lowest=1,
    highest=31,
    expected="1-31, L (last day), LW (last workday) or 15W (workday nearest to the 15th)",
    example="1,15",
)
MONTH = FieldKind(
    name="month",
    lowest=1,
    highest=12,
    names=_numbered("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", start=1),
    expected="1-12 or JAN-DEC",
    example="1-6",
)
DAY_OF_WEEK = FieldKind(
    name="day-of-week",
    lowest=0,
    highest=7,
    names=_numbered("SUN MON TUE WED THU FRI SAT", start=0),
    expected="0-7 or SUN-SAT (Sunday is 0 and 7), 5L (last Friday) or 5#2 (second Friday)",
    example="MON-FRI",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    What a field says.

    Attributes:
        numbers: The values it names; of Sunday's two numbers only 0.
        days: The days it describes, which every month has elsewhere.
        starred: Whether its text starts with ``*``, which cron gives a meaning of its own.
    """

    numbers: frozenset[int]
    days: tuple[DayOfMonth, ...]
    starred: bool


def parse_field(text: str, kind: FieldKind) -> Field:
    """
    Read a field, in capitals or not.

    Raises:
        InvalidSchedule: it cannot be read; the message names the field, what was found there
            and what was expected.
    """
    text = text.upper()
    if text == "?" and kind in {DAY_OF_MONTH, DAY_OF_WEEK}:
        text = "*"
    numbers: set[int] = set()
    days: list[DayOfMonth] = []
    for item in text.split(","):
        day = _described_day(item, kind)
        if day is None:
            numbers.update(_numbers(item, kind))
        else:
            days.append(day)
    if kind is DAY_OF_WEEK:
        numbers = {_weekday(number) for number in numbers}
    return Field(numbers=frozenset(numbers), days=tuple(days), starred=text.startswith("*"))


def _described_day(item: str, kind: FieldKind) -> DayOfMonth | None:
    """Read ``L``, ``LW``, ``15W``, ``5L`` or ``5#2``; None when the item is none of them."""
    if kind is DAY_OF_MONTH:
        if item == "L":
            return LastDay()
        if item == "LW":
            return LastWorkday()
        if found := _NEAREST_WORKDAY.fullmatch(item):
            return NearestWorkday(_value(found["day"], kind, item))
    if kind is DAY_OF_WEEK:
        if found := _LAST_WEEKDAY.fullmatch(item):
            return LastWeekday(_weekday(_value(found["weekday"], kind, item)))
        if found := _NTH_WEEKDAY.fullmatch(item):
            weekday, nth = _weekday(_value(found["weekday"], kind, item)), int(found["nth"])
            if not 1 <= nth <= _NTH_MAX:
                _refuse(item, kind, f", but a month has its first to its {_NTH_MAX}th")
            return NthWeekday(weekday, nth)
    return None


def _numbers(item: str, kind: FieldKind) -> Iterable[int]:
    """Read a value, a range or a step as the numbers it stands for."""
    found = _ITEM.fullmatch(item)
    if found is None:
        _refuse(item, kind)
    first, last = kind.lowest, kind.highest
    if found["first"]:
        first = _value(found["first"], kind, item)
        if found["last"]:
            last = _end_of_range(found["last"], kind, item)
        elif not found["step"]:
            last = first
    if last < first:
        _refuse(item, kind, ", a range that runs backwards")
    return range(first, last + 1, _step(found["step"], kind, item))


def _end_of_range(text: str, kind: FieldKind, item: str) -> int:
    """Read the end of a range; ``FRI-SUN`` ends on the Sunday that is 7."""
    last = _value(text, kind, item)
    named_sunday = kind is DAY_OF_WEEK and last == SUNDAY and text in kind.names
    return kind.highest if named_sunday and not item.startswith(text) else last


def _step(text: str | None, kind: FieldKind, item: str) -> int:
    if text is None:
        return 1
    step, longest = int(text), kind.highest - kind.lowest + 1
    if step == 0:
        _refuse(item, kind, ", a step that goes nowhere")
    if step > longest:
        # */90 in the minutes would mean "at minute 0", and is never what its writer meant.
        _refuse(item, kind, f", a step beyond the field's {longest} values")
    return step


def _value(text: str, kind: FieldKind, item: str) -> int:
    """Read one number or name; ``item`` is what an error shows."""
    if text in kind.names:
        return kind.names[text]
    if not text.isdecimal() or len(text.lstrip("0")) > len(str(kind.highest)):
        _refuse(item, kind)
    number = int(text)
    if not kind.lowest <= number <= kind.highest:
        _refuse(item, kind)
    return number


def _weekday(number: int) -> int:
    return number % 7


def _refuse(item: str, kind: FieldKind, problem: str = "") -> NoReturn:
    shown = repr(item[:_SHOWN_MAX]) if item else "nothing"
    raise InvalidSchedule(
        f"{kind.name}: found {shown}{problem}; expected {kind.expected}",
        field="cron",
        remedy=f"Write the {kind.name} as for example {kind.example}, or * for every one.",
    )
