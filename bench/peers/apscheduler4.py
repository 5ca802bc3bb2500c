# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "apscheduler==4.0.0a6", "sqlalchemy==2.0.46", "asyncpg==0.32.0", "anyio==4.9.0",
#     "sniffio==1.3.1", "aiohttp==3.14.5", "uvloop==0.23.0",
# ]
# ///
"""
APScheduler 4 (pre-release) does the work: a schedule per endpoint, in memory or on PostgreSQL.

Settings: ``AsyncScheduler`` with ``SQLAlchemyDataStore`` and ``AsyncpgEventBroker`` on one asyncpg
engine, the stores its user guide names for several schedulers and for persistence
(https://apscheduler.readthedocs.io/en/master/userguide.html); ``max_concurrent_jobs`` and the
task's ``max_running_jobs`` raised from their defaults (100 and 1) to that of our worker and to no
limit that could be met; ``coalesce`` and ``misfire_grace_time`` are at their defaults, latest and
none. Of anyio the version of its time: notifications fail with later ones.
"""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from datetime import timedelta

from apscheduler import AsyncScheduler, current_job
from apscheduler.abc import DataStore, EventBroker
from apscheduler.datastores.memory import MemoryDataStore
from apscheduler.datastores.sqlalchemy import SQLAlchemyDataStore
from apscheduler.eventbrokers.asyncpg import AsyncpgEventBroker
from apscheduler.eventbrokers.local import LocalEventBroker
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.ext.asyncio import create_async_engine

from bench.peers.calling import (
    Caller,
    instant,
    milliseconds_of,
    open_caller,
    run_until_told,
)
from bench.peers.ready import say_ready
from bench.work import AT_ONCE, Work

_callers: list[Caller] = []
_FAR = timedelta(days=300)


async def call(endpoint: int) -> None:
    """Call the target; stored by its name."""
    slot = current_job.get().scheduled_fire_time
    assert slot is not None
    await _callers[0].call(endpoint, milliseconds_of(slot))


async def _add_all(scheduler: AsyncScheduler, work: Work, parked: int) -> None:
    await scheduler.configure_task("call", func=call, max_running_jobs=1_000_000)
    step = timedelta(milliseconds=work.step)
    for n in range(work.endpoints):
        first = instant(work.begins_at + work.phase(n))
        trigger = IntervalTrigger(microseconds=step // timedelta(microseconds=1), start_time=first)
        await scheduler.add_schedule("call", trigger, id=f"e{n}", args=(n,))
    for n in range(parked):
        far = DateTrigger(instant(work.begins_at) + _FAR)
        await scheduler.add_schedule("call", far, id=f"p{n}", args=(n,))


async def main(told: asyncio.Event) -> None:
    """Store the work, run it, and stop when told."""
    work, parked, database = Work.from_json(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    data_store: DataStore = MemoryDataStore()
    broker: EventBroker = LocalEventBroker()
    async with AsyncExitStack() as stack:
        if database:
            engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://"))
            stack.push_async_callback(engine.dispose)
            data_store = SQLAlchemyDataStore(engine)
            broker = AsyncpgEventBroker.from_async_sqla_engine(engine)
        _callers.append(await stack.enter_async_context(open_caller(work)))
        scheduler = await stack.enter_async_context(
            AsyncScheduler(data_store, broker, max_concurrent_jobs=AT_ONCE)
        )
        began = time.perf_counter()
        await _add_all(scheduler, work, parked)
        say_ready(time.perf_counter() - began)
        await scheduler.start_in_background()
        await told.wait()
        await scheduler.stop()


if __name__ == "__main__":
    run_until_told(main)
