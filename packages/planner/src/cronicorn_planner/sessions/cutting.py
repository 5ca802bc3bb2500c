"""Shortens what targets answered: JSON at its structure, never within a value's syntax."""

import json
from dataclasses import dataclass
from typing import Final

_ENOUGH: Final = "…"


@dataclass(frozen=True, slots=True)
class _Size:
    """How much of each text, each list or object, and of the nesting is kept."""

    text: int
    members: int
    depth: int


_SIZES: Final = (
    _Size(2000, 60, 12),
    _Size(500, 30, 8),
    _Size(200, 15, 6),
    _Size(100, 8, 5),
    _Size(60, 5, 4),
    _Size(40, 3, 3),
    _Size(20, 2, 2),
    _Size(10, 1, 1),
)


def cut_json(text: str, most: int) -> str:
    """
    Return JSON of at most about so many characters that says what the beginning of each part says.

    What is no JSON is cut as text.
    """
    if len(text) <= most:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return cut_text(text, most)
    for size in _SIZES:
        written = json.dumps(_shrunk(value, size, size.depth), ensure_ascii=False)
        if len(written) <= most:
            return written
    return json.dumps(f"{type(value).__name__} of {len(text)} characters, too large to show")


def cut_text(text: str, most: int) -> str:
    """Return the beginning of a text, and how long it was; it is cut between words."""
    if len(text) <= most:
        return text
    kept = text[:most]
    words, blank, _ = kept.rpartition(" ")
    return f"{words if blank else kept}{_ENOUGH} (of {len(text)} characters)"


def _shrunk(value: object, size: _Size, depth: int) -> object:
    match value:
        case str():
            return value if len(value) <= size.text else value[: size.text] + _ENOUGH
        case list():
            if depth == 0:
                return f"{_ENOUGH} {len(value)} entries"
            kept: list[object] = [_shrunk(each, size, depth - 1) for each in value[: size.members]]
            left = len(value) - len(kept)
            return [*kept, f"{_ENOUGH} {left} more"] if left else kept
        case dict():
            if depth == 0:
                return f"{_ENOUGH} {len(value)} members"
            names = list(value)[: size.members]
            shown = {_short(name, size): _shrunk(value[name], size, depth - 1) for name in names}
            left = len(value) - len(names)
            return {**shown, _ENOUGH: f"{left} more members"} if left else shown
        case _:
            return value


def _short(name: str, size: _Size) -> str:
    return name if len(name) <= size.text else name[: size.text] + _ENOUGH
