"""Values as they cross the wire: instants, lengths, and members that may be absent."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from cronicorn_domain.instants import LATEST, MILLISECOND, iso_milliseconds
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

LENGTH_MOST: Final = 3660 * 86_400_000
"""Ten years and a little, in milliseconds: the domain allows no longer one."""
_ValueT = TypeVar("_ValueT")


class Wire(BaseModel):
    """A shape on the wire: members in camel case; unknown ones that come in are let be."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


def _is_none(value: object) -> bool:
    return value is None


Maybe = Annotated[_ValueT | None, Field(exclude_if=_is_none)]
"""A member that is absent, and never null, where it has no value."""

SHOWN_ONCE: Final = "shown once"
ShownOnce = Annotated[str, SHOWN_ONCE]
"""A secret that is shown this once: an answer with it is kept sealed, or not at all."""

Instant = Annotated[
    datetime,
    PlainSerializer(iso_milliseconds, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""An instant that goes out: UTC, milliseconds, ``Z``."""


def read_json(text: str) -> object:
    """Read JSON; what was cut, never was any, or cannot be written again is shown as text."""
    try:
        value: object = json.loads(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return text
    return value


def _text(value: object) -> object:
    # A bare number would be taken for seconds since 1970, which nobody means.
    if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", value):
        raise ValueError("give an ISO 8601 instant with Z or an offset")
    return value


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("give an instant of the years 1 to 9999") from None


def _ahead_of_the_end(instant: datetime) -> datetime:
    if instant >= LATEST:
        raise ValueError("give an instant before the year 9000")
    return instant


GivenInstant = Annotated[
    AwareDatetime,
    BeforeValidator(_text, json_schema_input_type=str),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
]
"""An instant that comes in, with ``Z`` or an offset."""

PlannedInstant = Annotated[GivenInstant, AfterValidator(_ahead_of_the_end)]
"""An instant that something is planned for: behind it there is room for every length."""

Milliseconds = Annotated[int, Field(ge=0, le=LENGTH_MOST, strict=True)]
"""A length that comes in."""


def in_milliseconds(length: timedelta) -> int:
    """Write a length as whole milliseconds."""
    return length // MILLISECOND


def in_milliseconds_if_any(length: timedelta | None) -> int | None:
    """Write a length, if there is one."""
    return None if length is None else in_milliseconds(length)


def length_of(count: int) -> timedelta:
    """Read a length of whole milliseconds."""
    return count * MILLISECOND
