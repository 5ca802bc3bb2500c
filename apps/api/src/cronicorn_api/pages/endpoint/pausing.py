"""How long something is to be paused, as the menu that asks for it has it."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.schedules.zones import zone

from cronicorn_api.pages.frame.said import Undo
from cronicorn_api.pages.timeline.wall_times import wall_time

_LENGTHS: Final = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1)}
_MORNING: Final = time(8)
_FIELD: Final = "until"
_KEPT_LENGTH: Final = 300


def pause_of(form: Mapping[str, str], now: datetime, here: ZoneInfo) -> Pause:
    """
    Return the pause that a form asks for.

    Wall times in it are those of the zone that the form names, which stood beside its fields;
    where it names none, of the zone given.

    Raises ``InvalidInput`` about ``until``.
    """
    named = form.get("zone", "")
    here = zone(named) if named else here
    return Pause(until=_end(form, now, here), reason=form.get("reason", "").strip() or None)


def kept_of(form: Mapping[str, str]) -> Mapping[str, str]:
    """Return what was typed into the menu, for the page that shows it again."""
    return {name: form.get(name, "")[:_KEPT_LENGTH] for name in (_FIELD, "reason")}


def undo_of_pause(before: Endpoint, now: datetime) -> Undo:
    """Return what brings back how an endpoint stood before a pause: a pause, too, or none."""
    pause, path = before.pause, f"/endpoints/{before.id}"
    if pause is None or not before.paused_at(now):
        return Undo(action=f"{path}/resume")
    return Undo(action=f"{path}/pause", fields=fields_of_pause(pause))


def fields_of_pause(pause: Pause) -> tuple[tuple[str, str], ...]:
    """Say a pause in a form: by its end, so that it stays what it was."""
    length = "open" if pause.until >= OPEN_ENDED else "until"
    return (
        ("length", length),
        ("until", pause.until.isoformat()),
        ("reason", pause.reason or ""),
    )


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
