"""Days and instants as a dashboard is given them: ISO 8601, dates, and what JavaScript writes."""

import re
from datetime import date, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, TypeAdapter, WithJsonSchema

from cronicorn_api.wire.values import GivenInstant

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_OF_JAVASCRIPT: Final = re.compile(
    r"[A-Z][a-z]{2} (?P<day>[A-Z][a-z]{2} \d{2} \d{4} \d{2}:\d{2}:\d{2})"
    r" GMT(?P<sign>[-+ ])(?P<offset>\d{4})(?: \([^)]*\))?"
)
"""What ``Date.toString()`` writes; where a query was not encoded, its plus has become a blank."""
_INSTANT: Final[TypeAdapter[datetime]] = TypeAdapter(GivenInstant)


def _read(value: object) -> date | datetime:
    if not isinstance(value, str):
        raise ValueError("give a date or an instant")  # noqa: TRY004  pydantic tells of ValueError
    if _DATE.fullmatch(value):
        return date.fromisoformat(value)
    if written := _OF_JAVASCRIPT.fullmatch(value):
        sign = "-" if written["sign"] == "-" else "+"
        local = f"{written['day']} {sign}{written['offset']}"
        return datetime.strptime(local, "%b %d %Y %H:%M:%S %z")
    return _INSTANT.validate_python(value)


GivenDay = Annotated[
    date | datetime,
    BeforeValidator(_read, json_schema_input_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "description": "An ISO 8601 instant with Z or an offset, a date that stands for the"
            " whole day in the time zone, or what JavaScript's Date.toString() writes",
        },
        mode="validation",
    ),
]
"""A day, or an instant."""
