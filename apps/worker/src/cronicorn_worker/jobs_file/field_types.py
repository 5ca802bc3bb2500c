"""The kinds of value in a jobs file: how each is read, and how the JSON Schema describes it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, NoReturn, TypeVar

from cronicorn_domain.model.endpoint import Delivery, Method, MisfirePolicy
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.schedules.cron import GapPolicy, RepeatPolicy
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from cronicorn_worker.jobs_file.problems import shown_kind, shown_value
from cronicorn_worker.lengths import (
    LENGTH_PATTERN,
    LENGTH_REMEDY,
    SIZE_PATTERN,
    SIZE_REMEDY,
    UnreadableLength,
    parse_length,
    parse_size,
)

REFUSED = "refused"
"""The type of every error that is raised here; its context holds the remedy."""
COUNT_MOST = 10**18
_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
_INSTANT_REMEDY = "Write an instant with its zone, such as 2026-12-01T09:00:00Z."
_ChoiceT = TypeVar("_ChoiceT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Says with a member's type which values it takes: for whoever wrote another one."""

    text: str


def _refuse(message: str, remedy: str) -> NoReturn:
    raise PydanticCustomError(REFUSED, "{message}", {"message": message, "remedy": remedy})


def _length(value: object) -> timedelta:
    try:
        return parse_length(value if isinstance(value, str) else _bare_number(value))
    except UnreadableLength as error:
        _refuse(str(error), "" if error.beyond else error.remedy)


def _bare_number(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    _refuse(f"found {shown_value(value)}, expected a length", LENGTH_REMEDY)


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        _refuse(f"found {shown_value(value)}, expected a size", SIZE_REMEDY)
    try:
        return parse_size(str(value))
    except UnreadableLength as error:
        _refuse(str(error), "" if error.beyond else error.remedy)


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        _refuse(f"found {shown_value(value)}, expected an instant", _INSTANT_REMEDY)
    try:
        instant = datetime.fromisoformat(value.strip())
    except ValueError:
        _refuse(f"{shown_value(value)} is not an instant", _INSTANT_REMEDY)
    if instant.utcoffset() is None:
        _refuse(f"{shown_value(value)} has no zone", _INSTANT_REMEDY)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        _refuse(f"{shown_value(value)} is beyond the calendar", _INSTANT_REMEDY)


def _count(value: object) -> int:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,99}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse(f"found {shown_value(value)}, expected a whole number", "Write it in digits.")
    if abs(value) > COUNT_MOST:
        _refuse(f"{shown_value(value)} is too large", "")
    return value


def _flag(value: object) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if not isinstance(value, bool):
        _refuse(f"found {shown_value(value)}, expected true or false", "Write true or false.")
    return value


def _pause(value: object) -> bool | datetime:
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in {"true", "false"}):
        return _flag(value)
    if not isinstance(value, str) or not value[:1].isdigit():
        _refuse(
            f"found {shown_value(value)}, expected true, false or an instant",
            "Write true, false or an instant such as 2026-12-01T09:00:00Z.",
        )
    return _instant(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        # The value itself may be a secret, so only its kind is told.
        _refuse(f"found {shown_kind(value)}, expected a text", "Put it in quotes.")
    return value


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(_text(each) for each in value)
    return (_text(value),)


def _choice(kind: type[_ChoiceT]) -> Callable[[object], _ChoiceT]:
    by_name = {each.value.lower(): each for each in kind}
    known = ", ".join(each.value for each in kind)

    def read(value: object) -> _ChoiceT:
        name = str(value).strip().lower().replace("-", "_")
        if name in by_name and isinstance(value, str):
            return by_name[name]
        near = get_close_matches(name, by_name, n=1)
        remedy = f"Did you mean {by_name[near[0]].value}?" if near else f"Write one of {known}."
        _refuse(f"found {shown_value(value)}, expected one of {known}", remedy)

    return read


def _choice_schema(kind: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"enum": [each.value for each in kind]})


def _text_schema(pattern: str, *examples: str) -> dict[str, object]:
    return {"type": "string", "pattern": f"({pattern})|({_VARIABLE})", "examples": list(examples)}


Text = Annotated[str, BeforeValidator(_text)]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Length = Annotated[
    timedelta,
    BeforeValidator(_length),
    WithJsonSchema(_text_schema(LENGTH_PATTERN, "30s", "1h30m", "500ms")),
]
Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, _text_schema(SIZE_PATTERN, "64KiB")]}
    ),
]
_INSTANT_SCHEMA = _text_schema(
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|[+-][0-9:]+)$", "2026-12-01T09:00:00Z"
)
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema(_INSTANT_SCHEMA)]
Count = Annotated[
    int,
    BeforeValidator(_count),
    WithJsonSchema({"anyOf": [{"type": "integer"}, _text_schema("^[0-9]+$", "3")]}),
]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Paused = Annotated[
    bool | datetime,
    BeforeValidator(_pause),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, _INSTANT_SCHEMA]}),
]
MethodName = Annotated[Method, BeforeValidator(_choice(Method)), _choice_schema(Method)]
MisfireName = Annotated[
    MisfirePolicy, BeforeValidator(_choice(MisfirePolicy)), _choice_schema(MisfirePolicy)
]
DeliveryName = Annotated[Delivery, BeforeValidator(_choice(Delivery)), _choice_schema(Delivery)]
GapName = Annotated[GapPolicy, BeforeValidator(_choice(GapPolicy)), _choice_schema(GapPolicy)]
RepeatName = Annotated[
    RepeatPolicy, BeforeValidator(_choice(RepeatPolicy)), _choice_schema(RepeatPolicy)
]
AiModeName = Annotated[AiMode, BeforeValidator(_choice(AiMode)), _choice_schema(AiMode)]
SigningName = Annotated[Signing, BeforeValidator(_choice(Signing)), _choice_schema(Signing)]
