"""Adds settled runs to the statistics, so that nothing has to scan runs for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.lengths import to_microseconds
from cronicorn_adapter_sql.tables import roll_ups

_KEY: Final = ("endpoint_id", "begins_at", "size", "outcome_class", "source")
_SUMS: Final = ("runs", "timed_runs", "duration", "lateness")

_Key = tuple[UUID, datetime, str, str, str]


@dataclass(slots=True)
class _Sum:
    tenant: TenantId
    runs: int = 0
    timed_runs: int = 0
    duration: int = 0
    lateness: int = 0


async def add_up(connection: AsyncConnection, settled: Iterable[Run]) -> None:
    """Add runs to the minutes of their slots; test runs are left out."""
    sums: dict[_Key, _Sum] = {}
    for run in settled:
        if run.kind is not Kind.TEST and run.outcome_class is not None:
            _add(sums, run, run.outcome_class)
    if not sums:
        return
    # In the order of the key, so that two batches cannot wait for one another in a circle.
    rows = [
        {
            **dict(zip(_KEY, key, strict=True)),
            **{name: getattr(each, name) for name in ("tenant", *_SUMS)},
        }
        for key, each in sorted(sums.items(), key=lambda item: item[0])
    ]
    if connection.dialect.name == "sqlite":
        await connection.execute(_UPSERT, rows)
    else:
        columns = {name: [row[name] for row in rows] for name in _COLUMNS}
        await connection.execute(_UPSERT_ARRAYS, columns)


def minute_of(slot: datetime) -> datetime:
    """Return the beginning of a slot's minute."""
    return slot.replace(second=0, microsecond=0)


def _add(sums: dict[_Key, _Sum], run: Run, judged: OutcomeClass) -> None:
    source = run.decision.source.value
    key = (run.endpoint_id, minute_of(run.slot), "minute", judged.value, source)
    total = sums.setdefault(key, _Sum(run.tenant))
    total.runs += 1
    span = _span(run, judged)
    if span is not None:
        duration, lateness = span
        total.timed_runs += 1
        total.duration += to_microseconds(duration)
        total.lateness += to_microseconds(lateness)


def _span(run: Run, judged: OutcomeClass) -> tuple[timedelta, timedelta] | None:
    """Return duration and lateness of a request that was made and settled."""
    if judged is OutcomeClass.NOT_ATTEMPTED or run.failure_kind is FailureKind.ABANDONED:
        return None
    if run.started_at is None or run.finished_at is None:
        return None
    return run.finished_at - run.started_at, run.started_at - run.decision.due_at


_ADDED: Final = ", ".join(f"{name} = roll_ups.{name} + excluded.{name}" for name in _SUMS)
_COLUMNS: Final = (*_KEY, "tenant", *_SUMS)
_GIVEN: Final = ", ".join(f":{name}" for name in _COLUMNS)
_TARGET: Final = f"INSERT INTO roll_ups ({', '.join(_COLUMNS)})"
_CONFLICT: Final = f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {_ADDED}"

_UPSERT: Final = text(f"{_TARGET} VALUES ({_GIVEN}) {_CONFLICT}").bindparams(
    *(bindparam(name, type_=roll_ups.c[name].type) for name in _COLUMNS)
)
_UPSERT_ARRAYS: Final = text(
    # An array for each column: one statement for the batch, where PostgreSQL would run three a run.
    f"{_TARGET} SELECT * FROM unnest({_GIVEN}) {_CONFLICT}"  # noqa: S608  column names only
).bindparams(*(bindparam(name, type_=ARRAY(roll_ups.c[name].type)) for name in _COLUMNS))
