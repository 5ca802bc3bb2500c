"""
What statements over all runs are told of a selection.

Such a statement takes longer to put together than to run, and the same few are asked for again and
again. So each is put together once for every shape that a selection may have, and is given values.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cronicorn_domain.identity import TenantId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.ports.overview import Selection
from sqlalchemy import BindParameter, bindparam

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.roll_ups import hour_of, minute_of
from cronicorn_adapter_sql.tables import endpoints, runs
from cronicorn_adapter_sql.totals import midnight_of, month_end

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
TENANT: Final[BindParameter[Any]] = bindparam("tenant", type_=endpoints.c.tenant.type)
JOB: Final[BindParameter[Any]] = bindparam("job", type_=endpoints.c.job_id.type)
SOURCE: Final[BindParameter[Any]] = bindparam("source", type_=runs.c.source.type)
MONTHS: Final[BindParameter[Any]] = bindparam("months", type_=UtcDateTime(), expanding=True)
"""The midnights that end months, from the first whole day of a window on."""


def instant(name: str) -> BindParameter[datetime]:
    """Stand for an instant that ``values_of`` gives by this name."""
    return bindparam(name, type_=UtcDateTime())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """
    What of a selection the text of a statement depends on.

    Attributes:
        dialect: The database's.
        of_job: It is of one job alone.
        of_source: It is of what one rule planned alone.
        amid_hour: The window begins amid an hour.
        amid_day: It begins amid a day of UTC.
    """

    dialect: str
    of_job: bool
    of_source: bool
    amid_hour: bool
    amid_day: bool


def shape_of(which: Selection, dialect: str) -> Shape:
    """Return the shape of a selection."""
    since = minute_of(which.since)
    return Shape(
        dialect=dialect,
        of_job=which.job_id is not None,
        of_source=which.source is not None,
        amid_hour=since != hour_of(since),
        amid_day=since != midnight_of(since),
    )


def values_of(tenant: TenantId, which: Selection) -> Mapping[str, object]:
    """
    Return the values of a selection by the names that statements know them by.

    ``since`` and ``until`` are of roll-ups, which are of whole minutes, and ``first_slot`` and
    ``last_slot`` of runs. Whole hours begin with ``first_hour``; what lies before ends with
    ``before_hours``, within the window. ``last_hour`` is the beginning of the one that the window
    ends in. Days are told alike.
    """
    since, until = minute_of(which.since).astimezone(UTC), which.until.astimezone(UTC)
    first_hour, first_day = _next(since, hour_of, _HOUR), _next(since, midnight_of, _DAY)
    behind = until + MICROSECOND
    return {
        "tenant": tenant,
        "job": which.job_id,
        "source": None if which.source is None else which.source.value,
        "first_slot": which.since,
        "last_slot": which.until,
        "since": since,
        "until": until,
        "first_hour": first_hour,
        "before_hours": min(first_hour, behind),
        "last_hour": hour_of(until),
        "first_day": first_day,
        "before_days": min(first_day, behind),
        "last_day": midnight_of(until),
        "months": [*_months(first_day, until)],
    }


def _next(
    since: datetime, beginning: Callable[[datetime], datetime], length: timedelta
) -> datetime:
    """Return the first beginning that is not before an instant."""
    begun = beginning(since)
    return begun if begun == since else begun + length


def _months(first_day: datetime, until: datetime) -> Iterator[datetime]:
    """
    Name the midnights that end months, with the one behind the window.

    So there always is one: of an empty list IN and NOT IN would be told in the words of the other.
    """
    midnight = first_day if first_day.day == 1 else month_end(first_day)
    yield midnight
    while midnight <= until:
        midnight = month_end(midnight)
        yield midnight
