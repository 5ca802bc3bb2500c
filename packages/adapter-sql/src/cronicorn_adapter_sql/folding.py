# ruff: noqa: S608  names of our own columns only
"""
Adds roll-ups up: those of one size to the next longer one, and those of an hour to jobs and days.

An hour is closed some time after its end: its minutes are added to what jobs and whole days of
endpoints add up to, and to how all runs of a tenant are spread; and they stay. So a sum of months
need not look at every hour, nor at the minutes of two days. What is late for that is added there
when it is added to its hour, and its minute goes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.roll_ups import LATENESS_STEP
from cronicorn_adapter_sql.totals import month_end


async def fold(connection: AsyncConnection, size: str, begins_at: datetime) -> int:
    """
    Add the rows of a size that begin at an instant to those of the next longer size.

    Days have none, and are deleted. Returns how many rows there were.
    """
    hour = begins_at.replace(minute=0)
    day = hour.replace(hour=0)
    given = {"begins_at": begins_at, "hour": hour, "day": day, "month_end": month_end(day)}
    folding = _FOLDING[size]
    if connection.dialect.name == "postgresql":
        folded: int = (await connection.execute(folding.at_once, given)).scalar_one()
        return folded
    folded = 0
    for statement in folding.one_by_one:
        folded = (await connection.execute(statement, given)).rowcount
    return folded


async def close(connection: AsyncConnection, hour: datetime) -> None:
    """Add the minutes of an hour to jobs and days; they stay as they are."""
    given = {"hour": hour, "day": hour.replace(hour=0), "behind": hour + timedelta(hours=1)}
    if connection.dialect.name == "postgresql":
        await connection.execute(_CLOSING.at_once, given)
        return
    for statement in _CLOSING.one_by_one:
        await connection.execute(statement, given)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folding:
    """
    The statements that fold one size.

    Attributes:
        at_once: PostgreSQL's: what a run that ends late adds meanwhile waits for the rows that go,
            and then makes a new one. It returns how many of ``gone`` there were.
        one_by_one: SQLite's; the last one deletes ``gone``.
    """

    at_once: TextClause
    one_by_one: Sequence[TextClause]


def _folding(going: Mapping[str, str], *added: str, stays: bool = False) -> _Folding:
    """
    Put the statements together.

    Args:
        going: Which rows go, by the name that ``added`` has for them; ``gone`` is the last.
        added: What is added up of them, and where.
        stays: They do not go, but are only added up.
    """
    taken = "SELECT * FROM {}" if stays else "DELETE FROM {} RETURNING *"
    parts = [f"{name} AS MATERIALIZED ({taken.format(rows)})" for name, rows in going.items()]
    parts += [f"added_{number} AS ({each})" for number, each in enumerate(added)]
    copies = {name: f"(SELECT * FROM {rows}) AS {name}" for name, rows in going.items()}
    return _Folding(
        at_once=_typed(f"WITH {', '.join(parts)} SELECT count(*) FROM gone".format_map(_SAME)),
        one_by_one=[
            *(_typed(each.format_map(copies)) for each in added),
            *(_typed(f"DELETE FROM {rows}") for rows in going.values() if not stays),
        ],
    )


def _adding(table: str, key: str, taken: str, *, sums: Sequence[str], of: str = ", tenant") -> str:
    """Add what was selected to a table; ``taken`` selects the key, what it is ``of``, and sums."""
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    return (
        f"INSERT INTO {table} ({key}{of}, {', '.join(sums)}) {taken}"
        f" ON CONFLICT ({key}) DO UPDATE SET {added}"
    )


def _typed(sql: str) -> TextClause:
    used = [name for name in _GIVEN if re.search(rf":{name}\b", sql)]
    return text(sql).bindparams(*(bindparam(name, type_=UtcDateTime()) for name in used))


_GIVEN: Final = ("begins_at", "hour", "day", "behind", "month_end")
_SAME: Final = {
    name: name
    for name in (
        *("gone", "gone_of_jobs", "gone_of_endpoints", "gone_of_spreads"),
        "gone_of_job_days",
    )
}
_SUMS: Final = ("runs", "timed_runs", "duration")
_ALL_SUMS: Final = (*_SUMS, "lateness")
_SUMMED: Final = ", ".join(f"sum({name})" for name in _SUMS)
_KEY: Final = "endpoint_id, begins_at, size, outcome_class, source, duration_step"
_KEY_OF_JOBS: Final = "job_id, begins_at, size, outcome_class, source"
_KEY_OF_SPREADS: Final = "tenant, begins_at, size, source, duration_step, lateness_step"
# WHERE true: without it SQLite takes the ON of a conflict for that of a join.
_TO_HOURS: Final = _adding(
    "roll_ups",
    _KEY,
    "SELECT endpoint_id, :hour, 'hour', outcome_class, source, duration_step, tenant,"
    f" {', '.join(_ALL_SUMS)} FROM {{gone}} WHERE true",
    sums=_ALL_SUMS,
)
_TO_SUMS: Final = (
    _adding(
        "job_roll_ups",
        _KEY_OF_JOBS,
        f"SELECT e.job_id, :hour, 'hour', outcome_class, source, e.tenant, {_SUMMED}"
        " FROM {gone} JOIN endpoints AS e ON e.id = endpoint_id WHERE true"
        " GROUP BY e.job_id, outcome_class, source, e.tenant ORDER BY 1, 4, 5",
        sums=_SUMS,
    ),
    _adding(
        "endpoint_days",
        "endpoint_id, begins_at, outcome_class, source",
        f"SELECT endpoint_id, :day, outcome_class, source, tenant, {_SUMMED}"
        " FROM {gone} WHERE true"
        " GROUP BY endpoint_id, outcome_class, source, tenant ORDER BY 1, 3, 4",
        sums=_SUMS,
    ),
    _adding(
        "job_days",
        "job_id, begins_at, outcome_class, source",
        f"SELECT e.job_id, :day, outcome_class, source, e.tenant, {_SUMMED}"
        " FROM {gone} JOIN endpoints AS e ON e.id = endpoint_id WHERE true"
        " GROUP BY e.job_id, outcome_class, source, e.tenant ORDER BY 1, 3, 4",
        sums=_SUMS,
    ),
    _adding(
        "tenant_spreads",
        _KEY_OF_SPREADS,
        f"SELECT tenant, :hour, 'hour', source, duration_step, {LATENESS_STEP},"
        " sum(timed_runs) FROM {gone} WHERE timed_runs > 0"
        f" GROUP BY tenant, source, duration_step, {LATENESS_STEP} ORDER BY 1, 4, 5, 6",
        sums=("runs",),
        of="",
    ),
)
"""What else runs are added to; a run is in these once its hour is closed."""
_TO_TOTALS: Final = _adding(
    "endpoint_totals",
    "tenant, at, endpoint_id",
    "SELECT tenant, m.at, endpoint_id, sum(runs) FROM {gone} JOIN midnights AS m"
    " ON m.at > :day AND m.at <= :month_end WHERE true"
    " GROUP BY tenant, m.at, endpoint_id ORDER BY 1, 2, 3",
    sums=("runs",),
    of="",
)
"""What was told of a month already, where something is added to a day of it."""
_CLOSING: Final = _folding(
    {"gone": "roll_ups WHERE size = 'minute' AND begins_at >= :hour AND begins_at < :behind"},
    *_TO_SUMS,
    stays=True,
)
_FOLDING: Final[Mapping[str, _Folding]] = {
    "minute": _folding(
        {"gone": "roll_ups WHERE size = 'minute' AND begins_at = :begins_at"}, _TO_HOURS
    ),
    "late": _folding(
        {"gone": "roll_ups WHERE size = 'late' AND begins_at = :begins_at"},
        _TO_HOURS,
        *_TO_SUMS,
        _TO_TOTALS,
    ),
    "hour": _folding(
        {
            "gone_of_jobs": "job_roll_ups WHERE size = 'hour' AND begins_at = :begins_at",
            "gone_of_spreads": "tenant_spreads WHERE size = 'hour' AND begins_at = :begins_at",
            "gone": "roll_ups WHERE size = 'hour' AND begins_at = :begins_at",
        },
        _adding(
            "roll_ups",
            _KEY,
            "SELECT endpoint_id, :day, 'day', outcome_class, source, duration_step, tenant,"
            f" {', '.join(_ALL_SUMS)} FROM {{gone}} WHERE true",
            sums=_ALL_SUMS,
        ),
        _adding(
            "job_roll_ups",
            _KEY_OF_JOBS,
            f"SELECT job_id, :day, 'day', outcome_class, source, tenant, {', '.join(_SUMS)}"
            " FROM {gone_of_jobs} WHERE true",
            sums=_SUMS,
        ),
        _adding(
            "tenant_spreads",
            _KEY_OF_SPREADS,
            "SELECT tenant, :day, 'day', source, duration_step, lateness_step, runs"
            " FROM {gone_of_spreads} WHERE true",
            sums=("runs",),
            of="",
        ),
    ),
    "day": _folding(
        {
            "gone_of_jobs": "job_roll_ups WHERE size = 'day' AND begins_at = :begins_at",
            "gone_of_spreads": "tenant_spreads WHERE size = 'day' AND begins_at = :begins_at",
            "gone_of_endpoints": "endpoint_days WHERE begins_at = :begins_at",
            "gone_of_job_days": "job_days WHERE begins_at = :begins_at",
            "gone": "roll_ups WHERE size = 'day' AND begins_at = :begins_at",
        }
    ),
}
