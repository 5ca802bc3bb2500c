"""
Closes hours: adds them to what jobs and days add up to, one after the other, each once.

An hour is closed some time after its end. Whatever settles later is counted beside (see
``roll_ups``), and whoever settles earlier has committed by then: no statement lasts as long as the
time between. So a run is added once, whatever settles meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Executable, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.folding import close
from cronicorn_adapter_sql.lower_bound import FLOOR
from cronicorn_adapter_sql.roll_ups import hour_of, open_from
from cronicorn_adapter_sql.tables import closings, roll_ups
from cronicorn_adapter_sql.totals import total_up

COMMITTED_WITHIN: Final = timedelta(minutes=5)
"""What settles has committed so long after the instant it went by."""
_AT_ONCE: Final = 6
_HOUR: Final = timedelta(hours=1)
_FIRST: Final[Mapping[str, Executable]] = {
    "postgresql": postgresql.insert(closings).values(id=1, until=FLOOR).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(closings).values(id=1, until=FLOOR).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Until when all hours are closed, and whether there are more that could be."""

    until: datetime
    more: bool


async def close_hours(connection: AsyncConnection, now: datetime) -> Closed:
    """Close some hours that can be; nothing is closed, nor known, while somebody else does it."""
    await connection.execute(_FIRST[connection.dialect.name])
    held = select(closings.c.until).with_for_update(skip_locked=True)
    closed: datetime | None = (await connection.execute(held)).scalar_one_or_none()
    if closed is None:
        return Closed(until=FLOOR, more=False)
    behind, until = open_from(now - COMMITTED_WITHIN), closed
    hour = await _next(connection, until, behind)
    for _ in range(_AT_ONCE):
        if hour is None:
            break
        await close(connection, hour)
        until = hour + _HOUR
        hour = await _next(connection, until, behind)
    if hour is None:
        until = max(until, behind)
    if until != closed:
        await connection.execute(update(closings).values(until=until))
    more = await total_up(connection, until) if until > FLOOR else False
    return Closed(until=until, more=more or hour is not None)


async def _next(connection: AsyncConnection, since: datetime, behind: datetime) -> datetime | None:
    """Find the next hour that has something to add."""
    first = select(func.min(roll_ups.c.begins_at)).where(
        roll_ups.c.size == "minute", roll_ups.c.begins_at >= since, roll_ups.c.begins_at < behind
    )
    found: datetime | None = (await connection.execute(first)).scalar_one()
    return None if found is None else hour_of(found)
