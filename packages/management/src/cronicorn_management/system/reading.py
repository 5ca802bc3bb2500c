"""Read how the system itself does: who works, how late it is, and what it has lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.ports.overview import NamedRun, Selection, Tally
from cronicorn_domain.schedules.zones import tzdata_version

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk

LOOKED_AT: Final = 200
"""Of so many of the newest runs the lateness is told."""
_WINDOW: Final = timedelta(hours=24)
_SILENT_AFTER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How long after they were due runs have started; of ``runs`` of them."""

    runs: int
    median: timedelta
    p99: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """
    How the system itself does.

    Attributes:
        workers: All that are known, those that crashed included.
        last_day: What came of the tenant's runs in the last 24 hours; ``our_failure`` is what was
            lost, by a crash or for want of a key.
        lateness: Of the tenant's newest runs; None: there are none.
        zone_data: The release of this process's zone data.
    """

    now: datetime
    workers: Sequence[Worker]
    last_day: Tally
    lateness: Lateness | None
    zone_data: str

    def is_silent(self, worker: Worker) -> bool:
        """Say whether a worker has not told of itself for longer than one does that lives."""
        return self.now - worker.seen_at > _SILENT_AFTER


async def read_system(desk: Desk, caller: Caller) -> System:
    """Return how the system does, and how it serves the caller's tenant. Raises ``NotAllowed``."""
    caller.check(Scope.ADMIN)
    async with desk.reading(caller) as work:
        which = Selection(since=work.now - _WINDOW, until=work.now)
        hours = await work.overview.hours(work.tenant, which)
        newest = await work.overview.newest_runs(work.tenant, which, limit=LOOKED_AT)
    tally = Tally()
    for hour in hours:
        tally = tally.plus(hour.tally)
    workers = () if desk.workers is None else await desk.workers.list_workers()
    return System(
        now=work.now,
        workers=workers,
        last_day=tally,
        lateness=_lateness(newest),
        zone_data=tzdata_version(),
    )


def _lateness(newest: Sequence[NamedRun]) -> Lateness | None:
    late = sorted(
        max(each.run.started_at - each.run.decision.due_at, timedelta(0))
        for each in newest
        if each.run.started_at is not None and each.run.attempt == 1
    )
    if not late:
        return None
    return Lateness(
        runs=len(late),
        median=late[len(late) // 2],
        p99=late[min(len(late) - 1, len(late) * 99 // 100)],
        most=late[-1],
    )
