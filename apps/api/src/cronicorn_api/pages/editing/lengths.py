"""Reads lengths as people write them: ``90s``, ``5 min``, ``1 h 30 min``."""

import re
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput

_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_SPELLED: Final = {
    "millisecond": "ms",
    "sec": "s",
    "second": "s",
    "min": "m",
    "minute": "m",
    "hr": "h",
    "hour": "h",
    "day": "d",
    "week": "w",
}
_PART: Final = re.compile(r"\s*(\d{1,12}(?:[.,]\d{1,6})?)\s*([a-z]+)\s*", re.IGNORECASE)
_LONGEST: Final = timedelta(days=36_600)
_SHOWN: Final = 40


def length_in(text: str, *, field: str) -> timedelta | None:
    """
    Read a length; None: nothing is written.

    Raises ``InvalidInput``, which says what is wrong and what to write instead.
    """
    given = text.strip()
    if not given:
        return None
    total, at = timedelta(), 0
    while at < len(given):
        part = _PART.match(given, at)
        if part is None:
            raise _unreadable(given, field)
        unit = _unit(part[2].lower())
        if unit is None:
            raise _unreadable(given, field)
        try:
            total += float(part[1].replace(",", ".")) * unit
        except OverflowError:
            raise _too_long(given, field) from None
        at = part.end()
    if total > _LONGEST:
        raise _too_long(given, field)
    return total


def _unit(word: str) -> timedelta | None:
    for name in (word, word.removesuffix("s")):
        if found := _UNITS.get(_SPELLED.get(name, name)):
            return found
    return None


def _unreadable(given: str, field: str) -> InvalidInput:
    bare = re.fullmatch(r"\d+(?:[.,]\d+)?", given)
    problem = "has no unit" if bare else "is not a length"
    example = f"{given} s or {given} min" if bare else "90s, 5 min or 1 h 30 min"
    return InvalidInput(
        f"{given[:_SHOWN]!r} {problem}", field=field, remedy=f"write for example {example}"
    )


def _too_long(given: str, field: str) -> InvalidInput:
    return InvalidInput(f"{given[:_SHOWN]!r} is too long", field=field, remedy="give less")
