"""
Lengths of time and of bodies, as people write them: ``30s``, ``1h30m``, ``500ms``; ``100KiB``.

One notation serves the command line, the environment and the jobs file.
"""

import re
from datetime import timedelta
from decimal import Decimal

LONGEST = timedelta(days=3660)
LENGTH_REMEDY = "Write a number with a unit (ms, s, m, h, d), such as 500ms, 30s, 10m or 1h30m."
SIZE_REMEDY = "Write a number of bytes, or one with a unit, such as 64KiB or 1MiB."
LENGTH_PATTERN = r"^ *([0-9]+(\.[0-9]+)?(ms|s|m|h|d) *)+$"
SIZE_PATTERN = r"^ *[0-9]+(\.[0-9]+)? *(B|KB|KiB|MB|MiB|GB|GiB)? *$"

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_ORDER = list(_UNITS)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d) *")
_SIZES = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "kib": 1024,
    "mb": 1000**2,
    "mib": 1024**2,
    "gb": 1000**3,
    "gib": 1024**3,
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([A-Za-z]*)")
_DIGITS_MOST = 18
_SHOWN_MOST = 40


class UnreadableLength(ValueError):
    """
    A text that is no length or size; the message says what is wrong and shows it.

    ``beyond``: it is well written, but no length or size is so small or large.
    """

    def __init__(self, message: str, remedy: str = LENGTH_REMEDY, *, beyond: bool = False) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.beyond = beyond


def parse_length(text: str) -> timedelta:
    """
    Read a length such as ``1h30m``: units from the largest to the smallest, each at most once.

    Raises:
        UnreadableLength: it has no unit, is below zero, above 3660 days, or no length at all.
    """
    parts = _parts(text)
    places = [_ORDER.index(unit) for _, unit in parts]
    if places != sorted(set(places)):
        raise UnreadableLength(f"{_shown(text)} names its units twice or in a strange order")
    total = sum((Decimal(number) * _microseconds(unit) for number, unit in parts), Decimal(0))
    if total > _in_microseconds(LONGEST):
        raise _too_long(text)
    if total != int(total):
        raise UnreadableLength(f"{_shown(text)} is finer than a microsecond")
    return timedelta(microseconds=int(total))


def format_length(length: timedelta) -> str:
    """Write a length as ``parse_length`` reads it, cut to the millisecond: ``1h30m``, ``0s``."""
    if length < timedelta():
        return f"-{format_length(-length)}"
    rest, text = length, ""
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def parse_size(text: str) -> int:
    """
    Read a number of bytes, such as ``65536``, ``64KiB`` or ``1.5MB``.

    Raises:
        UnreadableLength: it is no size, or no whole number of bytes.
    """
    match = _SIZE.fullmatch(text.strip())
    unit = match and _SIZES.get(match[2].lower())
    if match is None or unit is None:
        raise UnreadableLength(f"{_shown(text)} is not a size", SIZE_REMEDY)
    if len(match[1]) > _DIGITS_MOST:
        raise UnreadableLength(f"{_shown(text)} is too large", SIZE_REMEDY, beyond=True)
    size = Decimal(match[1]) * unit
    if size != int(size):
        raise UnreadableLength(f"{_shown(text)} is no whole number of bytes", SIZE_REMEDY)
    return int(size)


def _parts(text: str) -> list[tuple[str, str]]:
    stripped = text.strip()
    if stripped.startswith("-"):
        raise UnreadableLength(
            f"{_shown(text)} is negative", "Give a length of zero or more.", beyond=True
        )
    parts = [(match[1], match[2]) for match in _PART.finditer(stripped)]
    if not parts or _PART.sub("", stripped):
        bare = re.fullmatch(r"[0-9]+(\.[0-9]+)?", stripped)
        raise UnreadableLength(f"{_shown(text)} " + ("has no unit" if bare else "is not a length"))
    if any(len(number) > _DIGITS_MOST for number, _ in parts):
        raise _too_long(text)
    return parts


def _too_long(text: str) -> UnreadableLength:
    return UnreadableLength(
        f"{_shown(text)} is too long", f"Give at most {format_length(LONGEST)}.", beyond=True
    )


def _microseconds(unit: str) -> int:
    return _in_microseconds(_UNITS[unit])


def _in_microseconds(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_MOST else text[: _SHOWN_MOST - 1] + "…")
