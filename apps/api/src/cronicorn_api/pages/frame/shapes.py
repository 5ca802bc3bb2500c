"""Writes lengths and numbers: in two units at most, and never rounded up to something good."""

from datetime import timedelta
from typing import Final

NOTHING: Final = "-"
"""Where there is no datum; a zero is written as such."""
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_UNITS: Final = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", _MINUTE),
    ("s", _SECOND),
    ("ms", timedelta(milliseconds=1)),
)
_TEN_SECONDS: Final = timedelta(seconds=10)
_THOUSAND: Final = 1_000
_PRECISE_BELOW: Final = 100


def length(of: timedelta | None) -> str:
    """Write how long something took, as two units: ``240 ms``, ``3.2 s``, ``4 m 10 s``."""
    if of is None:
        return NOTHING
    if of <= -timedelta(milliseconds=1):
        return f"-{length(-of)}"
    of = max(of, timedelta(0))
    if of < _SECOND:
        return f"{of // timedelta(milliseconds=1)} ms"
    if of < _TEN_SECONDS:
        tenths = of // timedelta(milliseconds=100)
        return f"{tenths // 10}.{tenths % 10} s" if tenths % 10 else f"{tenths // 10} s"
    return " ".join(_parts(of, least=_SECOND)[:2])


def interval(of: timedelta | None) -> str:
    """Write an interval exactly: ``30 s``, ``90 s``, ``5 m``, ``1 h 30 m``."""
    if of is None:
        return NOTHING
    if timedelta(0) < of < 2 * _MINUTE and not of % _SECOND:
        seconds = of // _SECOND
        return "1 m" if of == _MINUTE else f"{seconds} s"
    return " ".join(_parts(of, least=timedelta(milliseconds=1))) or "0 s"


def coarse(of: timedelta) -> str:
    """Write a length as its one largest unit, rounded down: how long ago, or how long still."""
    return _parts(max(of, _SECOND), least=_SECOND)[0]


def exact(number: int | None) -> str:
    """Write every digit: ``12,500``."""
    return NOTHING if number is None else f"{number:,}"


def count(number: int | None) -> str:
    """Write a number for a narrow place: ``999``, ``12.5k``, ``3.4M``, rounded down."""
    if number is None:
        return NOTHING
    size, sign = abs(number), "-" if number < 0 else ""
    for letter, unit in (("G", _THOUSAND**3), ("M", _THOUSAND**2), ("k", _THOUSAND)):
        if size >= unit:
            tenths = size * 10 // unit
            whole, rest = divmod(tenths, 10)
            short = f"{whole}.{rest}" if rest and whole < _PRECISE_BELOW else f"{whole}"
            return f"{sign}{short}{letter}"
    return f"{number}"


def percent(good: int, of: int) -> str:
    """Write a part of a whole, rounded down: 9,999 of 10,000 are ``99.99 %``, never ``100 %``."""
    if of <= 0:
        return NOTHING
    hundredths = good * 10_000 // of
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02} %".replace(".00 ", " ")


def bytes_of(size: int | None) -> str:
    """Write a size: ``812 B``, ``100 KiB``, ``2.4 MiB``."""
    if size is None:
        return NOTHING
    for name, unit in (("MiB", 1024**2), ("KiB", 1024)):
        if size >= unit:
            whole, rest = divmod(size * 10 // unit, 10)
            return f"{whole}.{rest} {name}" if rest else f"{whole} {name}"
    return f"{size} B"


def _parts(of: timedelta, *, least: timedelta) -> list[str]:
    """Write a length in its units, the largest first, nothing below the least."""
    parts = []
    for name, unit in _UNITS:
        if unit >= least and of >= unit:
            parts.append(f"{of // unit} {name}")
            of %= unit
    return parts
