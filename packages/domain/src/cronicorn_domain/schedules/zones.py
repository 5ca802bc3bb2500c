"""
Time zones, read from the tzdata package and never from the host.

A host's zone files may be years old or absent, and two hosts may differ; a schedule must not.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidSchedule

_TZDATA = files("tzdata")
_SUGGESTIONS_MAX = 3


@cache
def zone(name: str) -> ZoneInfo:
    """
    Give the zone of an IANA name such as ``Europe/Berlin``; the same object for the same name.

    Raises:
        InvalidSchedule: tzdata has no zone of this name; the remedy offers the nearest ones.
    """
    # The list is asked first, so that a name is never used as a path it was not meant to be.
    if name not in zone_names():
        raise InvalidSchedule(
            f"there is no time zone {name[:80]!r}", field="timezone", remedy=_remedy(name[:80])
        )
    with _TZDATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def zone_names() -> frozenset[str]:
    """Give every name that ``zone`` knows, links to other zones included."""
    return frozenset(_TZDATA.joinpath("zones").read_text(encoding="utf-8").split())


@cache
def tzdata_version() -> str:
    """Give the IANA release of the zone data in use, such as ``2026a``."""
    with _TZDATA.joinpath("zoneinfo", "tzdata.zi").open(encoding="utf-8") as file:
        return file.readline().removeprefix("# version").strip()


def _remedy(name: str) -> str:
    near = _nearest(name)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return "Write an IANA name such as Europe/Berlin or UTC."


def _nearest(name: str) -> list[str]:
    """Find the names most like this one; people often write the city alone, or no capitals."""
    wanted = name.strip().replace(" ", "_").casefold()
    by_city = _names_by(lambda known: known.rpartition("/")[2])
    if wanted in by_city:
        return by_city[wanted][:_SUGGESTIONS_MAX]
    by_name = _names_by(lambda known: known)
    close = get_close_matches(wanted, by_name.keys() | by_city.keys(), n=_SUGGESTIONS_MAX)
    found = [known for key in close for known in by_name.get(key) or by_city[key]]
    return list(dict.fromkeys(found))[:_SUGGESTIONS_MAX]


def _names_by(part: Callable[[str], str]) -> dict[str, list[str]]:
    """Sort the known names under a part of theirs, without regard to capitals."""
    sorted_under: dict[str, list[str]] = {}
    for known in sorted(zone_names()):
        sorted_under.setdefault(part(known).casefold(), []).append(known)
    return sorted_under
