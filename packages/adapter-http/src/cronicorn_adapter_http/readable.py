"""Makes text that came from outside fit to be kept and shown."""

import re
from collections.abc import Iterable

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
HEADERS_KEPT = 32 * 1024
"""How many characters of an answer's headers are kept; whole headers beyond that are left out."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def storable(text: str) -> str:
    """Replace what no store takes: NUL and lone surrogates."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def printable(text: str, *, most: int = 200) -> str:
    """Make one line of text that a message can quote."""
    return _UNPRINTABLE.sub(" ", text[: 4 * most]).strip()[:most]


def readable_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Keep an answer's headers in their order, as long as they are of a reasonable size."""
    kept: list[tuple[str, str]] = []
    room = HEADERS_KEPT
    for name, value in headers:
        room -= len(name) + len(value)
        if room < 0:
            break
        kept.append(
            (str(name), value if value.isascii() and value.isprintable() else storable(value))
        )
    return tuple(kept)
