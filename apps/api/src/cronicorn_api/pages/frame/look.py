"""How somebody wants pages to look: which theme, and in which zone times are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cronicorn_domain.schedules.zones import zone_names

THEME_COOKIE: Final = "cronicorn_theme"
TIMES_COOKIE: Final = "cronicorn_times"
ZONE_COOKIE: Final = "cronicorn_zone"
"""Only the browser knows where it is; its script says so in this cookie."""
UTC: Final = "UTC"


class Theme(StrEnum):
    """Light on dark, or dark on light."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Times(StrEnum):
    """In which zone times are told."""

    LOCAL = "local"
    ENDPOINT = "endpoint"
    UTC = "utc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was chosen; ``local`` is the zone of the browser, as it says."""

    theme: Theme = Theme.SYSTEM
    times: Times = Times.LOCAL
    local: str = UTC


def look_of(cookies: Mapping[str, str]) -> Look:
    """Read what was chosen; what makes no sense was not."""
    theme, times = cookies.get(THEME_COOKIE, ""), cookies.get(TIMES_COOKIE, "")
    local = cookies.get(ZONE_COOKIE, "").replace("%2F", "/")
    return Look(
        theme=Theme(theme) if theme in set(Theme) else Theme.SYSTEM,
        times=Times(times) if times in set(Times) else Times.LOCAL,
        local=local if local in zone_names() else UTC,
    )
