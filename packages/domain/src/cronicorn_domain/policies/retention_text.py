"""How much history is to be kept, as people write it for workers and the API alike."""

import re
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput

OFF: Final = "off"
_UNITS: Final = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_LONGEST: Final = timedelta(days=3660)
_MOST: Final = 1_000_000_000


def age_in(text: str) -> timedelta | None:
    """
    Read how long history is kept: ``30d``, ``12h``; ``off`` keeps it for ever.

    Raises:
        InvalidInput: it is neither, no time at all, or longer than ten years.
    """
    given = text.strip().lower()
    if given == OFF:
        return None
    found = re.fullmatch(r"([0-9]{1,9})([dhms])", given)
    if found is None:
        raise _refusal(text, "give a number with d, h, m or s, such as 30d, or off")
    length = int(found[1]) * _UNITS[found[2]] if int(found[1]) <= _LONGEST.total_seconds() else None
    if length is None or not timedelta() < length <= _LONGEST:
        raise _refusal(text, f"give 1s to {_LONGEST.days}d, or off")
    return length


def runs_in(text: str) -> int | None:
    """
    Read how many of its newest runs each tenant keeps; ``off`` keeps all that are young enough.

    Raises:
        InvalidInput: it is neither, or none at all.
    """
    given = text.strip().lower()
    if given == OFF:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", given) or not 1 <= int(given) <= _MOST:
        raise _refusal(text, f"give a number from 1 to {_MOST}, or off")
    return int(given)


def _refusal(text: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"{text[:40]!r} is not possible", remedy=remedy)
