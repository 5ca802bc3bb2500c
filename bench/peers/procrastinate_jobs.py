# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "procrastinate==3.10.0", "psycopg[binary,pool]==3.3.9", "aiohttp==3.14.5", "uvloop==0.23.0",
# ]
# ///
"""
Procrastinate does the work: a job per endpoint, which defers its follower to the next slot.

Its periodic tasks are declared in code, on whole seconds; endpoints that are stored and spread over
the second can only be jobs with ``schedule_at``. Settings: the worker's ``concurrency`` raised from
1, as its guide says (https://procrastinate.readthedocs.io/en/stable/howto/production/concurrency.html);
``fetch_job_polling_interval`` lowered from 5 s to 0.1 s, since no notification tells of a job whose
time comes; done jobs deleted (``delete_jobs``), so that its table stays small.
"""

import asyncio
import contextlib
import sys
import time
from datetime import timedelta

import procrastinate

from bench.peers.calling import (
    Caller,
    instant,
    open_caller,
    run_until_told,
)
from bench.peers.ready import say_ready
from bench.work import AT_ONCE, Work

_FAR = timedelta(days=300)
_DEFERRED_AT_ONCE = 1000


def make_app(database: str, work: Work, callers: list[Caller]) -> procrastinate.App:
    """Return the application with its one task, ``call``."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database))

    @app.task(name="call")
    async def call(endpoint: int, slot: int) -> None:
        await callers[0].call(endpoint, slot)
        following = work.next_slot(endpoint, after=max(slot, time.time_ns() // 1_000_000))
        await call.configure(schedule_at=instant(following)).defer_async(
            endpoint=endpoint, slot=following
        )

    return app


async def _defer_all(app: procrastinate.App, work: Work, parked: int) -> None:
    for n in range(work.endpoints):
        first = work.begins_at + work.phase(n)
        deferrer = app.configure_task("call", schedule_at=instant(first))
        await deferrer.defer_async(endpoint=n, slot=first)
    far = app.configure_task("call", schedule_at=instant(work.begins_at) + _FAR)
    for begin in range(0, parked, _DEFERRED_AT_ONCE):
        some = range(begin, min(begin + _DEFERRED_AT_ONCE, parked))
        await far.batch_defer_async(*({"endpoint": n, "slot": 0} for n in some))


async def main(told: asyncio.Event) -> None:
    """Store the work, run it, and stop when told."""
    work, parked, database = Work.from_json(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    callers: list[Caller] = []
    app = make_app(database, work, callers)
    async with open_caller(work) as caller, app.open_async():
        callers.append(caller)
        await app.schema_manager.apply_schema_async()
        began = time.perf_counter()
        await _defer_all(app, work, parked)
        say_ready(time.perf_counter() - began)
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=AT_ONCE,
                fetch_job_polling_interval=0.1,
                delete_jobs="always",
                install_signal_handlers=False,
            )
        )
        await asyncio.wait(
            (worker, asyncio.create_task(told.wait())), return_when=asyncio.FIRST_COMPLETED
        )
        if not worker.done():
            worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker


if __name__ == "__main__":
    run_until_told(main)
