"""What the memory store promises beyond the ports: it stays small, and writers wait their turn."""

import asyncio

from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.ports.endpoint_queue import ClaimBatch
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
    an_interval_hint,
)


async def claim(store: MemoryStore, seconds: int) -> ClaimBatch:
    """Claim so many seconds after the epoch."""
    return await MemoryEndpointQueue(store).claim(
        worker=WorkerId("a"), limit=10, lease_for=MINUTE, now=EPOCH + seconds * SECOND
    )


async def test_expired_hints_do_not_weigh_on_later_runs() -> None:
    """What has expired leaves the row that every run reads, for the history."""
    store, job = MemoryStore(), a_job()
    endpoint = an_endpoint(job)
    async with MemoryUnitsOfWork(store).begin() as unit:
        await unit.catalog.add_job(job)
        await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        hint = an_interval_hint(20 * SECOND, life=30 * SECOND)
        await unit.hints.offer(job.tenant, endpoint.id, hint, now=EPOCH)
        await unit.commit()
    (run,) = (await claim(store, 60)).runs or (await claim(store, 60)).runs
    settlement = a_settlement(run.lease.token, started_at=EPOCH + MINUTE)

    await MemoryEndpointQueue(store).settle([settlement], now=EPOCH + 61 * SECOND)

    row = store.tables.endpoints[endpoint.id]
    assert row.hints == ()
    assert [record.hint for record in store.tables.ended_hints.of(endpoint.id)] == [hint]


async def test_a_queue_waits_for_a_unit_that_writes() -> None:
    """There is one writer at a time: a claim sees all of a unit, or comes before it."""
    store, job = MemoryStore(), a_job()
    async with MemoryUnitsOfWork(store).begin() as unit:
        await unit.catalog.add_job(job)
        claiming = asyncio.create_task(claim(store, 60))
        await asyncio.sleep(0)
        await unit.catalog.add_endpoint(an_endpoint(job), now=EPOCH)
        assert not claiming.done()
        await unit.commit()

    assert len((await claiming).runs) == 1


async def test_a_writer_that_gives_up_waiting_leaves_the_pen() -> None:
    """A cancelled wait keeps nobody from writing."""
    store, job = MemoryStore(), a_job()
    units = MemoryUnitsOfWork(store)

    async def add(name: str) -> None:
        async with units.begin() as other:
            await other.catalog.add_job(a_job(name))
            await other.commit()

    async with units.begin() as unit:
        await unit.catalog.add_job(job)
        waiting = asyncio.create_task(add("cancelled"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await unit.commit()
    await add("later")

    assert {each.name for each in store.tables.jobs.values()} == {"shop", "later"}
