"""Where instants lie across a drawing, and the steps and ticks that divide it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

FUTURE_SHARE: Final = 0.15
"""So much of the width of a drawing whose window ends now is what is to come."""
COLUMNS_MOST: Final = 240
_TICKS_MOST: Final = 8
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS: Final = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    _DAY,
    2 * _DAY,
    4 * _DAY,
    7 * _DAY,
)
_TICK_STEPS: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    _DAY,
    2 * _DAY,
    7 * _DAY,
    14 * _DAY,
    30 * _DAY,
    90 * _DAY,
    180 * _DAY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """
    One scale for all lanes: the window, and what is to come where it ends now.

    Positions are in percent of the width, to a hundredth.
    """

    since: datetime
    until: datetime
    now: datetime
    follows: bool

    @property
    def ends_at(self) -> datetime:
        """Where the drawing ends."""
        if not self.follows:
            return self.until
        return self.until + (self.until - self.since) * FUTURE_SHARE / (1 - FUTURE_SHARE)

    @property
    def length(self) -> timedelta:
        """How much time the whole width is."""
        return self.ends_at - self.since

    def x(self, instant: datetime) -> float:
        """Return where an instant lies; what is outside lies on the edge."""
        share = (min(max(instant, self.since), self.ends_at) - self.since) / self.length
        return round(share * 100, 2)

    def shows(self, instant: datetime) -> bool:
        """Say whether an instant lies in the drawing."""
        return self.since <= instant <= self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A whole step of time, whose runs are drawn together."""

    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """An instant of the axis, and what is written at it."""

    x: float
    text: str
    day: bool


def scale_of(since: datetime, until: datetime, *, now: datetime) -> Scale:
    """Return the scale of a window; one that ends now goes on into the future."""
    return Scale(since=since, until=until, now=now, follows=until >= now)


def step_of(length: timedelta, *, most: int = COLUMNS_MOST) -> timedelta:
    """Return the shortest whole step of which a length has so many at most."""
    fitting = (step for step in _STEPS if length / step <= most - 1)
    return next(fitting, _DAY * (length // (most * _DAY) + 1))


def columns_of(
    since: datetime, until: datetime, here: ZoneInfo, *, most: int = COLUMNS_MOST
) -> Sequence[Column]:
    """Divide a window into whole steps, which begin with the hours and days of a zone."""
    step = step_of(until - since, most=most)
    columns = []
    begins_at = _floor(since, step, here)
    while begins_at <= until:
        ends_at = _next(begins_at, step, here)
        columns.append(Column(begins_at=begins_at, ends_at=ends_at))
        begins_at = ends_at
    return columns


def ticks_of(scale: Scale, here: ZoneInfo) -> Sequence[Tick]:
    """Return the ticks of the axis, at round times of a zone."""
    step = next((s for s in _TICK_STEPS if scale.length / s <= _TICKS_MOST), _TICK_STEPS[-1])
    instant = _floor(scale.since, step, here)
    ticks = []
    while instant <= scale.ends_at:
        if instant >= scale.since:
            ticks.append(_tick(scale, instant.astimezone(here), step))
        instant = _next(instant, step, here)
    return ticks


def _tick(scale: Scale, instant: datetime, step: timedelta) -> Tick:
    day = instant.time() == time()
    form = "%b %-d" if day or step >= _DAY else "%H:%M" if step >= _STEPS[2] else "%H:%M:%S"
    return Tick(x=scale.x(instant), text=instant.strftime(form), day=day)


def _floor(instant: datetime, step: timedelta, here: ZoneInfo) -> datetime:
    local = instant.astimezone(here)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step < _DAY:
        passed = local.replace(tzinfo=None) - midnight.replace(tzinfo=None)
        return (local - passed % step).astimezone(UTC)
    days = (midnight.replace(tzinfo=UTC) - _EPOCH) // _DAY
    return (midnight - days % (step // _DAY) * _DAY).astimezone(UTC)


def _next(instant: datetime, step: timedelta, here: ZoneInfo) -> datetime:
    """Go one step on; days are as long as the zone has them, and so are columns of hours."""
    if step <= timedelta(hours=1):
        return instant + step
    local = instant.astimezone(here).replace(tzinfo=None) + step
    following = local.replace(tzinfo=here).astimezone(UTC)
    return following if following > instant else instant + step
