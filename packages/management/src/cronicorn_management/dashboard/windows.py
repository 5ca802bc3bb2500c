"""The window that a dashboard shows: whole days of a time zone, unless instants are given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import LATEST
from cronicorn_domain.schedules.zones import zone
from cronicorn_domain.wording import length_in_words

DAYS_USUAL = 7
LONGEST = timedelta(days=800)
"""No statistics are kept for longer."""
_YEARS = range(1970, LATEST.year)
_DAY = timedelta(days=1)
_LAST_OF_A_DAY = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From ``since`` to ``until``, both within; its days are those of ``zone``."""

    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def middle(self) -> datetime:
        """Where its later half begins."""
        return self.since + (self.until - self.since) / 2

    def day_of(self, instant: datetime) -> date:
        """Return the day that an instant belongs to."""
        return instant.astimezone(self.zone).date()

    def beginnings(self) -> Sequence[datetime]:
        """Return when each of its days begins; the first one with the minute of ``since``."""
        _, *others = self.days()
        began = self.since.replace(second=0, microsecond=0)
        return [began, *(_midnight(day, self.zone) for day in others)]

    def days(self) -> Iterator[date]:
        """Name every day that it touches, the first one first."""
        day, last = self.day_of(self.since), self.day_of(self.until)
        while day <= last:
            yield day
            day += _DAY


def window_of(
    start: date | datetime | None, end: date | datetime | None, *, timezone: str, now: datetime
) -> Window:
    """
    Return the window from ``start`` to ``end``.

    A date stands for the whole day in the time zone. Without an end it ends now; without a start it
    has the seven days that end with its last one.

    Raises ``InvalidInput``: there is no such zone, it ends before it begins, or is too long.
    """
    here = zone(timezone)
    _check_year(start, field="start")
    _check_year(end, field="end")
    until = now if end is None else _last_instant(end, here)
    since = _usual_start(until, here) if start is None else _first_instant(start, here)
    if since > until:
        raise InvalidInput(
            "the window ends before it begins", field="start", remedy="give an earlier start"
        )
    if until - since > LONGEST:
        raise InvalidInput(
            f"a window of {length_in_words(until - since)} is too long",
            field="start",
            remedy=f"give at most {length_in_words(LONGEST)}",
        )
    return Window(since=since, until=until, zone=here)


def _check_year(given: date | datetime | None, *, field: str) -> None:
    # So that neither a day behind it nor a zone's offset leads out of the calendar.
    if given is not None and given.year not in _YEARS:
        raise InvalidInput(
            f"the year {given.year} is not possible", field=field, remedy="give 1970 to 8999"
        )


def _usual_start(until: datetime, here: ZoneInfo) -> datetime:
    last = until.astimezone(here).date()
    return _midnight(last - (DAYS_USUAL - 1) * _DAY, here)


def _first_instant(given: date | datetime, here: ZoneInfo) -> datetime:
    return given if isinstance(given, datetime) else _midnight(given, here)


def _last_instant(given: date | datetime, here: ZoneInfo) -> datetime:
    if isinstance(given, datetime):
        return given
    return _midnight(given + _DAY, here) - _LAST_OF_A_DAY


def _midnight(day: date, here: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=here).astimezone(UTC)
