"""What is left in the queue of endpoints that somebody deleted by hand keeps nobody waiting."""

from collections.abc import AsyncIterator

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import due, endpoints, leases
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.ports.endpoint_queue import ClaimBatch
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, a_job, an_endpoint
from sqlalchemy import delete, func, select, update

FIRST_SLOT = EPOCH + MINUTE
LEASE = 10 * SECOND
LIMIT = 5


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Give an empty store, on either dialect in turn."""
    async with open_store(parse_database_url(database_url), vault=Vault(Keyring())) as store:
        yield store


async def add_many(store: SqlStore, count: int) -> list[Endpoint]:
    """Keep a job with endpoints of one minute."""
    job = a_job()
    added = [an_endpoint(job, f"endpoint {number}") for number in range(count)]
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in added:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return added


async def claim(store: SqlStore, limit: int = LIMIT) -> ClaimBatch:
    """Claim what is due a second after the first slot."""
    now = FIRST_SLOT + SECOND
    return await store.queue.claim(worker=WorkerId("here"), limit=limit, lease_for=LEASE, now=now)


async def delete_by_hand(store: SqlStore, gone: list[Endpoint]) -> None:
    """Delete endpoints as one would in a shell; what refers to them by a key goes with them."""
    async with store.engine.begin() as connection:
        key = endpoints.c.id.in_([each.id for each in gone])
        await connection.execute(delete(endpoints).where(key))


async def count(store: SqlStore) -> tuple[int, int]:
    """Count the places in the queue, and the leases."""
    async with store.engine.connect() as connection:
        places = await connection.execute(select(func.count()).select_from(due))
        held = await connection.execute(select(func.count()).select_from(leases))
        return places.scalar_one(), held.scalar_one()


async def test_places_of_deleted_endpoints_keep_nobody_waiting(store: SqlStore) -> None:
    """A claim that meets as many as it takes clears them away, and the next one reaches others."""
    *gone, left = await add_many(store, LIMIT + 1)
    await delete_by_hand(store, gone)
    async with store.engine.begin() as connection:
        await connection.execute(
            update(due).where(due.c.endpoint_id != left.id).values(due_at=FIRST_SLOT - SECOND)
        )

    met, behind = await claim(store), await claim(store)

    assert [len(each.runs) for each in (met, behind)] == [0, 1]
    assert behind.runs[0].endpoint.id == left.id
    assert await count(store) == (0, 1)


async def test_a_second_place_of_an_endpoint_is_cleared_away_alone(store: SqlStore) -> None:
    """The one that it knows of stays."""
    (endpoint,) = await add_many(store, 1)
    async with store.engine.begin() as connection:
        row = (await connection.execute(select(due))).mappings().one()
        early = {**row, "due_at": FIRST_SLOT - SECOND, "slot": FIRST_SLOT - SECOND}
        await connection.execute(due.insert(), early)

    batches = [await claim(store, limit=1) for _ in range(2)]

    runs = [run for batch in batches for run in batch.runs]
    assert [(run.endpoint.id, run.plan.decision.slot) for run in runs] == [
        (endpoint.id, FIRST_SLOT)
    ]
    assert await count(store) == (0, 1)


async def test_leases_of_deleted_endpoints_keep_no_other_from_being_reaped(
    store: SqlStore,
) -> None:
    """They are taken away, and those behind them are reaped in the same look."""
    added = await add_many(store, LIMIT + 1)
    runs = [*(await claim(store, limit=LIMIT)).runs, *(await claim(store)).runs]
    await delete_by_hand(store, [each.endpoint for each in runs[:LIMIT]])

    reaped = await store.queue.reap(limit=LIMIT, now=FIRST_SLOT + MINUTE)

    assert len(runs) == len(added)
    assert [each.endpoint_id for each in reaped] == [runs[-1].endpoint.id]
    assert await count(store) == (1, 0)


async def test_the_doctor_takes_places_of_deleted_endpoints_out(store: SqlStore) -> None:
    """Where no claim meets them for long, as they are due in months, mending does it."""
    gone, _left = await add_many(store, 2)
    await delete_by_hand(store, [gone])
    found = await store.examination.strays(limit=9)

    await store.examination.replan([each.endpoint_id for each in found], now=EPOCH)

    assert [each.endpoint_id for each in found] == [gone.id]
    assert await store.examination.strays(limit=9) == []
    assert await count(store) == (1, 0)
