"""What is counted of runs: of those that are still there, and of those that were pruned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.durations import step_of
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run


class RollUpKey(NamedTuple):
    """Which runs are counted together; ``size`` says how long the stretch of their slots is."""

    endpoint_id: EndpointId
    size: str
    begins_at: datetime
    outcome_class: OutcomeClass
    source: Source
    duration_step: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts and lengths of runs with one outcome class."""

    runs: int = 0
    timed_runs: int = 0
    duration: timedelta = NO_TIME
    lateness: timedelta = NO_TIME

    def plus(self, other: "Sums") -> "Sums":
        """Add up."""
        return Sums(
            self.runs + other.runs,
            self.timed_runs + other.timed_runs,
            self.duration + other.duration,
            self.lateness + other.lateness,
        )


def minute_of(slot: datetime) -> datetime:
    """Return the beginning of a slot's minute."""
    return slot.replace(second=0, microsecond=0)


def beginning(instant: datetime, size: str | None) -> datetime:
    """Return the beginning of the hour, or else of the day, of an instant."""
    start = instant.replace(minute=0, second=0, microsecond=0)
    return start if size == "hour" else start.replace(hour=0)


def total(parts: Iterable[Sums]) -> Sums:
    """Add up all of them."""
    whole = Sums()
    for part in parts:
        whole = whole.plus(part)
    return whole


def counted(run: Run) -> tuple[RollUpKey, Sums] | None:
    """Return what a run adds to statistics, and where; None: it is a test, or has not ended."""
    if run.kind is Kind.TEST or run.outcome_class is None:
        return None
    sums = _sums(run)
    key = RollUpKey(
        run.endpoint_id,
        "minute",
        minute_of(run.slot),
        run.outcome_class,
        run.decision.source,
        step_of(sums.duration),
    )
    return key, sums


def _sums(run: Run) -> Sums:
    attempted = run.outcome_class is not OutcomeClass.NOT_ATTEMPTED
    # When a lost run ended nobody knows.
    known = run.failure_kind is not FailureKind.ABANDONED and attempted
    if not known or run.started_at is None or run.finished_at is None:
        return Sums(runs=1)
    return Sums(1, 1, run.finished_at - run.started_at, run.started_at - run.decision.due_at)
