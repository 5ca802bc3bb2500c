# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "pgqueuer[asyncpg]==1.6.0", "aiohttp==3.14.5", "uvloop==0.23.0",
# ]
# ///
"""
PgQueuer does the work: a job per endpoint, which enqueues its follower for the next slot.

Its schedules are declared in code; endpoints that are stored can only be jobs with
``execute_after``. Settings (https://pgqueuer.readthedocs.io): the asyncpg driver over a pool, the
fastest of its drivers; ``batch_size`` raised from 10, so that a round trip takes many jobs;
``max_concurrent_tasks`` at that of our worker, which allows a batch of at most half of it. It works
out itself when the next job is due, so ``dequeue_timeout`` stays as it is.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta

import asyncpg
from pgqueuer import Job, Queries, QueueManager
from pgqueuer.db import AsyncpgPoolDriver

from bench.peers.calling import open_caller, run_until_told
from bench.peers.ready import say_ready
from bench.work import AT_ONCE, Work

_FAR = timedelta(days=300)
_ENQUEUED_AT_ONCE = 1000


async def _enqueue_all(queries: Queries, work: Work, parked: int) -> None:
    slots = [(n, work.begins_at + work.phase(n)) for n in range(work.endpoints)]
    await _enqueue(queries, slots)
    for first in range(0, parked, _ENQUEUED_AT_ONCE):
        some = range(first, min(first + _ENQUEUED_AT_ONCE, parked))
        payloads: list[bytes | None] = [_payload(n, 0) for n in some]
        await queries.enqueue(["call"] * len(some), payloads, [0] * len(some), [_FAR] * len(some))


async def _enqueue(queries: Queries, slots: list[tuple[int, int]]) -> None:
    for first in range(0, len(slots), _ENQUEUED_AT_ONCE):
        some = slots[first : first + _ENQUEUED_AT_ONCE]
        payloads: list[bytes | None] = [_payload(n, slot) for n, slot in some]
        delays: list[timedelta | None] = [_until(slot) for _, slot in some]
        await queries.enqueue(["call"] * len(some), payloads, [0] * len(some), delays)


def _payload(endpoint: int, slot: int) -> bytes:
    return json.dumps((endpoint, slot)).encode()


def _until(slot: int) -> timedelta:
    return timedelta(microseconds=max(0, slot * 1000 - time.time_ns() // 1000))


async def main(told: asyncio.Event) -> None:
    """Store the work, run it, and stop when told."""
    work, parked, database = Work.from_json(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    async with (
        open_caller(work) as caller,
        asyncpg.create_pool(database, min_size=2) as pool,
    ):
        driver = AsyncpgPoolDriver(pool)
        queries = Queries(driver)
        await queries.install()
        manager = QueueManager(queries)

        @manager.entrypoint("call")
        async def call(job: Job) -> None:
            assert job.payload is not None
            endpoint, slot = json.loads(job.payload)
            await caller.call(endpoint, slot)
            following = work.next_slot(endpoint, after=max(slot, time.time_ns() // 1_000_000))
            await _enqueue(queries, [(endpoint, following)])

        began = time.perf_counter()
        await _enqueue_all(queries, work, parked)
        say_ready(time.perf_counter() - began)
        running = asyncio.create_task(
            manager.run(batch_size=AT_ONCE // 2, max_concurrent_tasks=AT_ONCE)
        )
        await asyncio.wait(
            (running, asyncio.create_task(told.wait())), return_when=asyncio.FIRST_COMPLETED
        )
        manager.shutdown.set()
        await running


if __name__ == "__main__":
    run_until_told(main)
