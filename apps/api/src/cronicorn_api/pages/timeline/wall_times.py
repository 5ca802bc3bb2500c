"""Reads dates and times as the fields of browsers send them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput


def wall_time(text: str, here: ZoneInfo, *, field: str) -> datetime:
    """Read what a browser sends of a date and time field. Raises ``InvalidInput``."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is no date and time",
            field=field,
            remedy="give both, as 2025-01-31 08:00",
        ) from None
    return given if given.tzinfo is not None else given.replace(tzinfo=here)
