"""How long something is to be paused, as the menu that asks for it has it."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Pause

from cronicorn_api.pages.timeline.wall_times import wall_time

_LENGTHS: Final = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1)}
_MORNING: Final = time(8)
_FIELD: Final = "until"


def pause_of(form: Mapping[str, str], now: datetime, here: ZoneInfo) -> Pause:
    """
    Return the pause that a form asks for; wall times in it are those of the zone.

    Raises ``InvalidInput`` about ``until``.
    """
    return Pause(until=_end(form, now, here), reason=form.get("reason", "").strip() or None)


def tomorrow_morning(now: datetime, here: ZoneInfo) -> datetime:
    """Return eight o'clock of the next day in a zone."""
    day = now.astimezone(here).date() + timedelta(days=1)
    return datetime.combine(day, _MORNING, tzinfo=here)


def _end(form: Mapping[str, str], now: datetime, here: ZoneInfo) -> datetime:
    match form.get("length", ""):
        case "15m" | "1h" as chosen:
            return now + _LENGTHS[chosen]
        case "morning":
            return tomorrow_morning(now, here)
        case "open":
            return OPEN_ENDED
        case "until":
            return wall_time(form.get(_FIELD, ""), here, field=_FIELD)
        case _:
            raise InvalidInput(
                "nothing says how long the pause is to be",
                field=_FIELD,
                remedy="choose one of the lengths",
            )
