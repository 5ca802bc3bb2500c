# ruff: noqa: S608  names of our own columns only
"""Adds roll-ups of one size up to the next longer one."""

from datetime import datetime
from typing import Final

from sqlalchemy import Delete, TextClause, bindparam, delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.tables import roll_ups

_LONGER: Final = {"minute": "hour", "hour": "day"}


async def fold(connection: AsyncConnection, size: str, begins_at: datetime) -> int:
    """
    Add the rows of a size that begin at an instant to those of the next longer size.

    Days have none, and are deleted. Returns how many rows there were.
    """
    into = _LONGER.get(size)
    given = {"size": size, "begins_at": begins_at}
    if into is None:
        return (await connection.execute(_gone(size, begins_at))).rowcount
    longer = begins_at.replace(minute=0)
    if into == "day":
        longer = longer.replace(hour=0)
    given |= {"into": into, "longer": longer}
    if connection.dialect.name == "postgresql":
        folded: int = (await connection.execute(_FOLD_AT_ONCE, given)).scalar_one()
        return folded
    await connection.execute(_FOLD, given)
    return (await connection.execute(_gone(size, begins_at))).rowcount


def _gone(size: str, begins_at: datetime) -> Delete:
    return delete(roll_ups).where(roll_ups.c.size == size, roll_ups.c.begins_at == begins_at)


_KEPT: Final = ("endpoint_id", "outcome_class", "source", "duration_step", "tenant")
_SUMS: Final = ("runs", "timed_runs", "duration", "lateness")
_TARGET: Final = f"INSERT INTO roll_ups (begins_at, size, {', '.join((*_KEPT, *_SUMS))})"
_VALUES: Final = f"SELECT :longer, :into, {', '.join((*_KEPT, *_SUMS))}"
_CONFLICT: Final = (
    "ON CONFLICT (endpoint_id, begins_at, size, outcome_class, source, duration_step)"
    " DO UPDATE SET " + ", ".join(f"{name} = roll_ups.{name} + excluded.{name}" for name in _SUMS)
)


def _typed(sql: str) -> TextClause:
    return text(sql).bindparams(
        bindparam("longer", type_=UtcDateTime()), bindparam("begins_at", type_=UtcDateTime())
    )


_FOLD: Final = _typed(
    f"{_TARGET} {_VALUES} FROM roll_ups WHERE size = :size AND begins_at = :begins_at {_CONFLICT}"
)
_FOLD_AT_ONCE: Final = _typed(
    # What a run that ends late adds meanwhile waits for these rows, and then makes a new one.
    "WITH gone AS (DELETE FROM roll_ups WHERE size = :size AND begins_at = :begins_at RETURNING *)"
    f", added AS ({_TARGET} {_VALUES} FROM gone {_CONFLICT})"
    " SELECT count(*) FROM gone"
)
