# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "apscheduler==3.11.3", "sqlalchemy==2.0.46", "psycopg[binary]==3.3.9",
#     "aiohttp==3.14.5", "uvloop==0.23.0",
# ]
# ///
"""
APScheduler 3 does the work: an interval job per endpoint, in memory or on PostgreSQL.

Settings, as its user guide recommends (https://apscheduler.readthedocs.io/en/3.x/userguide.html):
``AsyncIOScheduler`` where the program is on asyncio; PostgreSQL as the job store "if you need
persistence"; ``coalesce`` and no ``misfire_grace_time``, so that a late run happens, once; one
instance of a job at a time, its default.
"""

import asyncio
import sys
import time
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bench.peers.calling import (
    Caller,
    instant,
    milliseconds_of,
    open_caller,
    run_until_told,
)
from bench.peers.ready import say_ready
from bench.work import Work

_slot: ContextVar[datetime] = ContextVar("_slot")
_callers: list[Caller] = []
_FAR = timedelta(days=300)


class SlotTellingExecutor(AsyncIOExecutor):
    """Tells a job its scheduled time, which APScheduler 3 keeps to itself."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        _slot.set(run_times[-1])
        super()._do_submit_job(job, run_times)


async def call(endpoint: int) -> None:
    """Call the target; stored by its name."""
    await _callers[0].call(endpoint, milliseconds_of(_slot.get()))


def _add_all(scheduler: AsyncIOScheduler, work: Work, parked: int) -> None:
    step = timedelta(milliseconds=work.step)
    for n in range(work.endpoints):
        first = instant(work.begins_at + work.phase(n))
        trigger = IntervalTrigger(seconds=step.total_seconds(), start_date=first, timezone="UTC")
        scheduler.add_job(call, trigger, args=(n,), id=f"e{n}", next_run_time=first)
    for n in range(parked):
        far = instant(work.begins_at) + _FAR
        scheduler.add_job(call, DateTrigger(far, timezone="UTC"), args=(n,), id=f"p{n}")


async def main(told: asyncio.Event) -> None:
    """Store the work, run it, and stop when told."""
    work, parked, database = Work.from_json(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    store: BaseJobStore = MemoryJobStore()
    if database:
        store = SQLAlchemyJobStore(database.replace("postgresql://", "postgresql+psycopg://"))
    scheduler = AsyncIOScheduler(
        jobstores={"default": store},
        executors={"default": SlotTellingExecutor()},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    async with open_caller(work) as caller:
        _callers.append(caller)
        scheduler.start(paused=True)
        began = time.perf_counter()
        _add_all(scheduler, work, parked)
        say_ready(time.perf_counter() - began)
        scheduler.resume()
        await told.wait()
        scheduler.shutdown(wait=False)


if __name__ == "__main__":
    run_until_told(main)
