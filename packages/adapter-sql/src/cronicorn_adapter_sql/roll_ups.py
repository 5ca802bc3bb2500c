"""Adds settled runs to the statistics, so that nothing has to scan runs for them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.durations import step_of
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run
from cronicorn_domain.ports.board import LATENESS_STEPS
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.bulk import insertion
from cronicorn_adapter_sql.lengths import to_microseconds
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.tables import roll_ups

MINUTES: Final = ("minute", "late")
"""The sizes of what is counted by the minute."""
SIZES: Final = (*MINUTES, "hour", "day")
HELD_OPEN: Final = timedelta(minutes=15)
"""So long after its end an hour is held open for runs of its slots that end only then."""


async def add_up(connection: AsyncConnection, settled: Iterable[tuple[Run, datetime]]) -> None:
    """Add runs, one of an endpoint at most, to the minutes of their slots; with when they end."""
    counted = [
        values for run, now in settled if (values := values_of_roll_up(run, now)) is not None
    ]
    await ADD_UP.run(connection, counted)


def values_of_roll_up(run: Run, now: datetime) -> Values | None:
    """Return what a run that is settled now adds to its minute; None, if it was a test."""
    if run.kind is Kind.TEST or run.outcome_class is None:
        return None
    duration, lateness = _span(run, run.outcome_class) or (None, None)
    begins_at = minute_of(run.slot)
    return {
        "endpoint_id": run.endpoint_id,
        "begins_at": begins_at,
        "size": "minute" if begins_at >= open_from(now) else "late",
        "outcome_class": run.outcome_class.value,
        "source": run.decision.source.value,
        "duration_step": step_of(duration or NO_TIME),
        "tenant": run.tenant,
        "runs": 1,
        "timed_runs": 0 if duration is None else 1,
        "duration": to_microseconds(duration) or 0,
        "lateness": to_microseconds(lateness) or 0,
    }


def minute_of(slot: datetime) -> datetime:
    """Return the beginning of a slot's minute."""
    return slot.replace(second=0, microsecond=0)


def hour_of(instant: datetime) -> datetime:
    """Return the beginning of an instant's hour in UTC; some zones begin theirs at half past."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def open_from(now: datetime) -> datetime:
    """Return when the first hour begins that is not closed yet, nor will be in a moment."""
    return hour_of(now - HELD_OPEN)


def _span(run: Run, judged: OutcomeClass) -> tuple[timedelta, timedelta] | None:
    """Return duration and lateness of a request that was made and settled."""
    if judged is OutcomeClass.NOT_ATTEMPTED or run.failure_kind is FailureKind.ABANDONED:
        return None
    if run.started_at is None or run.finished_at is None:
        return None
    return run.finished_at - run.started_at, run.started_at - run.decision.due_at


_KEY: Final = ("endpoint_id", "begins_at", "size", "outcome_class", "source", "duration_step")
_SUMS: Final = ("runs", "timed_runs", "duration", "lateness")
ON_CONFLICT: Final = f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET " + ", ".join(
    f"{name} = roll_ups.{name} + excluded.{name}" for name in _SUMS
)
ADD_UP: Final = insertion(roll_ups, (*_KEY, "tenant", *_SUMS), more=ON_CONFLICT)

LATENESS_STEP: Final = "CASE {} ELSE {} END".format(
    " ".join(
        f"WHEN lateness <= {to_microseconds(step)} * timed_runs THEN {number}"
        for number, step in enumerate(LATENESS_STEPS)
    ),
    len(LATENESS_STEPS) - 1,
)
"""SQL for the number of the first of ``LATENESS_STEPS`` that is not shorter than the mean one."""
