"""
Tells for each midnight how many runs endpoints have had of a month until then.

So the runs of any whole days are a difference of what two midnights have, or of a few where a month
ends between them, however many days there are. Whoever makes a midnight holds the row of
`closings`, and so does whoever adds to a day that was closed before.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.lower_bound import FLOOR
from cronicorn_adapter_sql.tables import endpoint_totals, midnights

TOTALS_KEPT: Final = timedelta(days=100)
"""Windows that begin earlier add the days up to the first midnight that is kept."""
_AT_ONCE: Final = 8
_DAY: Final = timedelta(days=1)


async def total_up(connection: AsyncConnection, until: datetime) -> bool:
    """
    Make the next midnights up to an instant until when hours are closed.

    Returns whether there are more that could be made.
    """
    last = midnight_of(until)
    known: datetime | None = (
        await connection.execute(select(func.max(midnights.c.at)))
    ).scalar_one()
    if known is not None and known + _DAY < last - TOTALS_KEPT:
        # What lies between would be made only to be deleted; and nothing may be left out.
        await _forget(connection, last)
        known = None
    following = last if known is None else known + _DAY
    for _ in range(_AT_ONCE):
        if following > last:
            return False
        await _make(connection, following)
        following += _DAY
    return following <= last


def midnight_of(instant: datetime) -> datetime:
    """Return the midnight of UTC that an instant's day begins with."""
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def month_of(midnight: datetime) -> datetime:
    """Return when the month began whose runs a midnight tells of: the one that ends with it."""
    return (midnight - _DAY).replace(day=1)


def month_end(day: datetime) -> datetime:
    """Return the midnight that ends the month of a day."""
    return (day.replace(day=28) + 4 * _DAY).replace(day=1)


async def _make(connection: AsyncConnection, at: datetime) -> None:
    month = month_of(at)
    before = at - _DAY
    found = select(midnights.c.at).where(midnights.c.at == before, midnights.c.at > month)
    base: datetime | None = (await connection.execute(found)).scalar_one_or_none()
    # What ends the month before tells of that one: this one begins at zero.
    given = {"at": at, "base": FLOOR if base is None else base, "since": base or month}
    await connection.execute(_MAKE, given)
    await connection.execute(insert(midnights).values(at=at))
    await _forget(connection, at - TOTALS_KEPT)


async def _forget(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(delete(endpoint_totals).where(endpoint_totals.c.at < before))
    await connection.execute(delete(midnights).where(midnights.c.at < before))


_MAKE: Final = text(
    "INSERT INTO endpoint_totals (tenant, at, endpoint_id, runs)"
    " SELECT tenant, :at, endpoint_id, sum(runs) FROM ("
    "SELECT tenant, endpoint_id, runs FROM endpoint_totals WHERE at = :base"
    " UNION ALL SELECT tenant, endpoint_id, runs FROM endpoint_days"
    " WHERE begins_at >= :since AND begins_at < :at) AS added"
    " GROUP BY tenant, endpoint_id ORDER BY 1, 3"
).bindparams(*(bindparam(name, type_=UtcDateTime()) for name in ("at", "base", "since")))
"""A month that the midnight before has some of goes on from there; any other from its beginning."""
