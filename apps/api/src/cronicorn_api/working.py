"""What is told of a worker that runs beside the API, in one process."""

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
