"""What is told of the store at the start, and of a worker that runs beside the API."""

from datetime import timedelta

from cronicorn_domain.errors import StoreError, StoreUnavailable
from cronicorn_planner.sessions.observing import PlannerEvent
from cronicorn_planner.sessions.telling import line_of
from cronicorn_scheduler.observing import (
    Event,
    PartFailed,
    RunBroken,
    SchedulerDraining,
    SchedulerStarted,
    SchedulerStopped,
    StoreRecovered,
    StoreWentAway,
)

from cronicorn_api.log import Log


class OpeningLines:
    """Logs that the store is away and back, while the process starts."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def not_yet(self, error: StoreUnavailable, *, again_in: timedelta) -> None:
        """Say that the store does not answer, and why, and when it is asked again."""
        seconds = round(again_in.total_seconds(), 1)
        self._log.trouble(StoreWentAway.name, error=str(error), again_in_seconds=seconds)

    def at_last(self, waited: timedelta) -> None:
        """Say that it answers."""
        self._log.say(StoreRecovered.name, seconds=round(waited.total_seconds(), 1))


class QuotaLines:
    """Logs that quotas cannot be asked about, and that they can again."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def not_counted(self, error: StoreError) -> None:
        """Say why."""
        self._log.trouble("quota_unavailable", error=str(error))

    def counted_again(self, lasted: timedelta) -> None:
        """Say after how long."""
        self._log.say("quota_recovered", seconds=round(lasted.total_seconds(), 1))


class LoggedSessions:
    """Logs what the AI planner does; never what a model or a target said."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def record(self, event: PlannerEvent) -> None:
        """Write the event's line."""
        line = line_of(event)
        write = self._log.trouble if line.trouble else self._log.say
        write(line.name, **line.fields)


class LoggedWork:
    """Logs what whoever runs the service should know of its worker; the runs have a history."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def record(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case SchedulerStarted() | SchedulerStopped():
                self._log.say(event.name, worker=event.worker)
            case SchedulerDraining():
                self._log.say(event.name, held=event.held)
            case StoreWentAway():
                self._log.say(event.name, part=event.part)
            case StoreRecovered():
                self._log.say(event.name, seconds=round(event.lasted.total_seconds(), 1))
            case PartFailed():
                self._log.fault(event.error, part=event.part)
            case RunBroken():
                self._log.fault(event.error, run=str(event.run.lease.run_id))
            case _:
                pass
