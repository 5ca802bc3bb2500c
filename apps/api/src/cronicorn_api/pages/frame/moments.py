"""Instants as pages tell them: in the zone that was chosen, with the others at hand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cronicorn_domain.schedules.zones import zone

from cronicorn_api.pages.frame.look import Look, Times
from cronicorn_api.pages.frame.shapes import coarse

_JUST: Final = timedelta(seconds=1)
_UTC: Final = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An instant in one zone: ``zone`` is its name, ``why`` whose it is."""

    why: str
    zone: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """
    An instant, written in every way that a page needs.

    Attributes:
        iso: For machines, in UTC.
        full: ``2025-01-01 03:47:00.120 +01:00``, in the chosen zone.
        clock: ``03:47:00``, with the day before it when that is not today, and its offset in an
            hour that comes twice.
        relative: ``2 h ago``, ``in 48 s``, ``now``.
        zones: The same in the browser's zone, the endpoint's and UTC, each zone once.
    """

    iso: str
    full: str
    clock: str
    relative: str
    zones: tuple[Told, ...]

    @property
    def lines(self) -> str:
        """All zones, a line each."""
        return "\n".join(f"{each.text} {each.zone}" for each in self.zones)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """Tells instants as somebody wants them, seen from now."""

    look: Look
    now: datetime

    def shown(self, endpoint_zone: str | None = None) -> str:
        """Name the zone in which times are told; an endpoint's, where it has one, if chosen."""
        match self.look.times:
            case Times.UTC:
                return _UTC
            case Times.ENDPOINT if endpoint_zone is not None:
                return endpoint_zone
            case _:
                return self.look.local

    def moment(self, at: datetime, endpoint_zone: str | None = None) -> Moment:
        """Write an instant; ``endpoint_zone`` is the zone of the endpoint that it is about."""
        here = at.astimezone(zone(self.shown(endpoint_zone)))
        today = self.now.astimezone(here.tzinfo).date()
        clock = _clock(here)
        return Moment(
            iso=at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            full=_full(here),
            clock=clock if here.date() == today else f"{here:%Y-%m-%d} {clock}",
            relative=relative(at - self.now),
            zones=self._all(at, endpoint_zone),
        )

    def clock_of(self, at: datetime) -> str:
        """Write only hours, minutes and seconds."""
        return at.astimezone(zone(self.shown())).strftime("%H:%M:%S")

    def writer(self, endpoint_zone: str | None = None) -> Callable[[datetime], str]:
        """Return what writes instants within sentences."""
        return lambda at: self.moment(at, endpoint_zone).clock

    def moment_if_any(self, at: datetime | None, endpoint_zone: str | None = None) -> Moment | None:
        """Write an instant, if there is one."""
        return None if at is None else self.moment(at, endpoint_zone)

    def _all(self, at: datetime, endpoint_zone: str | None) -> tuple[Told, ...]:
        names = {self.look.local: "Local"}
        if endpoint_zone is not None:
            names.setdefault(endpoint_zone, "Endpoint")
        names.setdefault(_UTC, "UTC")
        return tuple(
            Told(why=why, zone=name, text=_full(at.astimezone(zone(name))))
            for name, why in names.items()
        )


def relative(away: timedelta) -> str:
    """Write how far from now something is: ``in 48 s``, ``2 h ago``."""
    if -_JUST < away < _JUST:
        return "now"
    return f"in {coarse(away)}" if away > timedelta(0) else f"{coarse(-away)} ago"


def _clock(here: datetime) -> str:
    """Write hours, minutes and seconds; where the clock shows them twice that day, the offset."""
    clock = here.strftime("%H:%M:%S")
    twice = here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset()
    return f"{clock} {_full(here)[-6:]}" if twice else clock


def _full(here: datetime) -> str:
    text = here.isoformat(sep=" ", timespec="milliseconds")
    day, clock = text[:10], text[11:23]
    return f"{day} {clock} {text[23:29]}"
