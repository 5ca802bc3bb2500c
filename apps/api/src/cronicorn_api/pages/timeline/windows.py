"""Which window a page shows: one of those offered, or one from an instant to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_management.history.timeline import PRESETS, WHILE_YOUNG

from cronicorn_api.pages.timeline.wall_times import wall_time

_NAMES: Final = dict(
    zip(("5m", "15m", "30m", "1h", "6h", "24h", "7d", "30d"), (*WHILE_YOUNG, *PRESETS), strict=True)
)
_NAMED: Final = {length: name for name, length in _NAMES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    The window that an address asks for.

    Without ``length`` and ``since`` it is the usual one; without ``until`` it ends now.
    """

    length: timedelta | None = None
    since: datetime | None = None
    until: datetime | None = None

    def begins_at(self, now: datetime) -> datetime | None:
        """Return where it begins; None: where it usually does."""
        if self.since is not None:
            return self.since
        return None if self.length is None else (self.until or now) - self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the windows that are offered."""

    word: str
    href: str
    chosen: bool


def asked_window(name: str | None, since: str | None, until: str | None, here: ZoneInfo) -> Asked:
    """Read what an address asks for; wall times are those of the zone. Raises ``InvalidInput``."""
    if since or until:
        return Asked(
            since=wall_time(since, here, field="from") if since else None,
            until=wall_time(until, here, field="until") if until else None,
        )
    if name is None:
        return Asked()
    if name not in _NAMES:
        raise InvalidInput(
            f"there is no window {name[:40]!r}",
            field="window",
            remedy=f"choose {', '.join(_NAMES)}",
        )
    return Asked(length=_NAMES[name])


def choices(shown: timedelta, *, follows: bool, kept: Mapping[str, str]) -> Sequence[Choice]:
    """
    Return the windows that are offered, with one for what is new while that is shown.

    ``kept`` stays in their addresses.
    """
    return [
        Choice(
            word=name,
            href=f"?{urlencode({'window': name, **kept})}",
            chosen=follows and shown == length,
        )
        for name, length in _NAMES.items()
        if length not in WHILE_YOUNG or (follows and shown == length)
    ]


def address_of(since: datetime, until: datetime, *, follows: bool) -> Mapping[str, str]:
    """Return what an address says to show the same window again."""
    name = _NAMED.get(until - since)
    if follows and name is not None:
        return {"window": name}
    return {"from": in_address(since), "until": in_address(until)}


def in_address(instant: datetime) -> str:
    """Write an instant for an address."""
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
