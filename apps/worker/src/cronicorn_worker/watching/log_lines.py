"""
One log line per outcome, and one for whatever else is worth telling.

The names last: someone's alert depends on them, and ``docs/metrics.md`` lists them. Ids are fields;
nothing that was sent is, so that no secret gets into a log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from cronicorn_domain.instants import MILLISECOND, iso_milliseconds
from cronicorn_domain.model.run import Blocked, Failed, Outcome, Succeeded
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Deferral
from cronicorn_domain.wording import fault
from cronicorn_scheduler.observing import (
    EndpointHealed,
    EndpointQuarantined,
    EndpointWithheld,
    Event,
    HistoryPruned,
    LeaseWasLost,
    NoticeNotTold,
    NoticeTold,
    PartFailed,
    ResultDropped,
    RunAbandoned,
    RunBroken,
    RunClaimed,
    RunReaped,
    RunReleased,
    RunSettled,
    RunStarted,
    SchedulerDraining,
    SchedulerStarted,
    SchedulerStopped,
    SlotsPassed,
    StoreRecovered,
    StoreWentAway,
)

from cronicorn_worker.settings import LogLevel

Fields = Mapping[str, object]
Write = Callable[[LogLevel, str, Fields], None]
"""Writes one line: level, name, fields."""


@dataclass(frozen=True, slots=True)
class Line:
    """A log line before it is written."""

    level: LogLevel
    name: str
    fields: Fields


class LogLines:
    """Writes a line for each event whose level is wanted."""

    def __init__(self, write: Write, wants: Callable[[LogLevel], bool]) -> None:
        self._write = write
        self._wants = wants

    def record(self, event: Event) -> None:
        """Write the event's line."""
        if self._wants(level_of(event)):
            line = line_of(event)
            self._write(line.level, line.name, line.fields)


def level_of(event: Event) -> LogLevel:
    """Say how much an event matters."""
    if isinstance(event, RunSettled):
        return _named(event.settlement.outcome)[0]
    return _LEVELS.get(type(event), LogLevel.INFO)


def line_of(event: Event) -> Line:
    """Say how an event is logged."""
    if isinstance(event, RunSettled):
        return _settled(event)
    if isinstance(event, NoticeTold | NoticeNotTold):
        fields = _fields_of_notice(event)
    else:
        fields = _fields_of_run(event) if isinstance(event, _RunEvent) else _fields(event)
    return Line(level_of(event), event.name, fields)


_RunEvent = (
    RunClaimed | RunStarted | RunReleased | RunBroken | LeaseWasLost | RunAbandoned | ResultDropped
)
_LEVELS: Mapping[type[Event], LogLevel] = {
    RunClaimed: LogLevel.DEBUG,
    RunStarted: LogLevel.DEBUG,
    HistoryPruned: LogLevel.DEBUG,
    LeaseWasLost: LogLevel.WARNING,
    RunAbandoned: LogLevel.WARNING,
    ResultDropped: LogLevel.WARNING,
    RunReaped: LogLevel.WARNING,
    NoticeNotTold: LogLevel.WARNING,
    RunBroken: LogLevel.ERROR,
    EndpointQuarantined: LogLevel.ERROR,
    EndpointWithheld: LogLevel.ERROR,
    StoreWentAway: LogLevel.ERROR,
    PartFailed: LogLevel.ERROR,
}
"""Those that are not told as information."""


def _fields_of_run(event: _RunEvent) -> Fields:
    match event:
        case RunReleased(run=run, reason=reason, deferral=None):
            return {"reason": reason.value, **_run(run)}
        case RunReleased(run=run, reason=reason, deferral=Deferral(until=until, reason=why)):
            until_then = iso_milliseconds(until)
            return {"reason": reason.value, "until": until_then, "why": why, **_run(run)}
        case RunBroken(run=run, error=error):
            return {"error": fault(error), **_run(run)}
        case _:
            return _run(event.run)


_Other = (
    RunReaped
    | SlotsPassed
    | EndpointQuarantined
    | EndpointWithheld
    | EndpointHealed
    | HistoryPruned
    | StoreWentAway
    | StoreRecovered
    | PartFailed
    | SchedulerStarted
    | SchedulerDraining
    | SchedulerStopped
)


def _fields(event: _Other) -> Fields:  # noqa: C901  one case per event
    match event:
        case RunReaped(reaped=reaped):
            fields = {"given_back": reaped.given_back, "lost_worker": reaped.worker}
            return fields | {
                "endpoint_id": str(reaped.endpoint_id),
                "run_id": str(reaped.run_id),
            }
        case (
            EndpointQuarantined(endpoint_id=endpoint_id, reason=reason)
            | EndpointWithheld(endpoint_id=endpoint_id, reason=reason)
        ):
            return {"reason": reason, "endpoint_id": str(endpoint_id)}
        case EndpointHealed(endpoint_id=endpoint_id):
            return {"endpoint_id": str(endpoint_id)}
        case StoreWentAway(part=part, error=error):
            return {"error": str(error), "part": part}
        case StoreRecovered(lasted=lasted):
            return {"lasted_ms": milliseconds(lasted)}
        case PartFailed(part=part, error=error, in_a_row=in_a_row):
            return {"part": part, "error": fault(error), "in_a_row": in_a_row}
        case SlotsPassed(count=count):
            return {"count": count}
        case HistoryPruned(runs=runs, slot_records=slot_records):
            return {"runs": runs, "slot_records": slot_records}
        case SchedulerDraining(held=held):
            return {"held": held}
        case SchedulerStarted(worker=worker) | SchedulerStopped(worker=worker):
            return {"worker": worker}
        case _:
            assert_never(event)


def _fields_of_notice(event: NoticeTold | NoticeNotTold) -> Fields:
    notice = event.notice
    fields: Fields = {"occasion": notice.occasion.value, "alert_id": str(notice.alert_id)}
    if notice.endpoint_id is not None:
        fields = {**fields, "endpoint_id": str(notice.endpoint_id)}
    if isinstance(event, NoticeNotTold):
        return {
            "reason": event.reason,
            "tries": event.tries,
            "given_up": event.given_up,
            **fields,
        }
    return fields


def _settled(event: RunSettled) -> Line:
    outcome = event.settlement.outcome
    level, name = _named(outcome)
    fields = {
        "endpoint": event.run.endpoint.name,
        **_outcome(outcome),
        "late_ms": milliseconds(event.lateness),
        "took_ms": milliseconds(event.duration),
        **_run(event.run),
    }
    return Line(level, name, fields)


def _named(outcome: Outcome) -> tuple[LogLevel, str]:
    match outcome:
        case Succeeded():
            return LogLevel.INFO, "run_succeeded"
        case Failed():
            return LogLevel.WARNING, "run_failed"
        case Blocked():
            return LogLevel.WARNING, "run_blocked"


def _outcome(outcome: Outcome) -> Fields:
    match outcome:
        case Succeeded(response=response):
            return {"status": response.status_code}
        case Failed(kind=kind, message=message, response=response):
            status = {"status": response.status_code} if response else {}
            return {"failure": kind.value, "message": message, **status}
        case Blocked(message=message):
            return {"message": message}


def _run(run: ClaimedRun) -> Fields:
    return {
        "endpoint": run.endpoint.name,
        "slot": iso_milliseconds(run.plan.decision.slot),
        "attempt": run.plan.attempt,
        "source": run.plan.decision.source.value,
        "endpoint_id": str(run.lease.endpoint_id),
        "run_id": str(run.lease.run_id),
    }


def milliseconds(length: timedelta) -> float:
    """Return a length in milliseconds, to the tenth."""
    return round(length / MILLISECOND, 1)
