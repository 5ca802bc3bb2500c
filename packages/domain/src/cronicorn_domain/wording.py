"""Lengths, instants and faults as people write them."""

import traceback
from datetime import datetime, timedelta
from pathlib import Path

_PARTS_MOST = 2
_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("min", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
    ("ms", timedelta(milliseconds=1)),
)


def length_in_words(length: timedelta) -> str:
    """Write a length with its two largest units: ``1 h 30 min``, ``45 s``; below 1 ms: ``0 s``."""
    if length < timedelta():
        return f"-{length_in_words(-length)}"
    parts: list[str] = []
    rest = length
    for name, unit in _UNITS:
        amount, rest = divmod(rest, unit)
        if amount:
            parts.append(f"{amount} {name}")
        if len(parts) == _PARTS_MOST or (parts and not amount):
            break
    return " ".join(parts) or "0 s"


def instant_in_words(instant: datetime) -> str:
    """
    Write an instant in UTC as ``2025-01-01 12:00:00 UTC``, with milliseconds only if it has some.
    """
    text = instant.strftime("%Y-%m-%d %H:%M:%S")
    thousandths = instant.microsecond // 1000
    return f"{text}.{thousandths:03d} UTC" if thousandths else f"{text} UTC"


def fault(error: Exception) -> str:
    """Name a fault of ours by kind and place; its text may hold what must not be shown."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
