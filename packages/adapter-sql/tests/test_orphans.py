"""What is left in the queue of endpoints that somebody deleted by hand keeps nobody waiting."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import cast

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import due, endpoint_state, endpoints, leases
from cronicorn_adapter_sql.testing.handle import SqlHandle
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import EndpointId, WorkerId, new_uuid
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, Settled
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
)
from sqlalchemy import delete, func, select, update

FIRST_SLOT = EPOCH + MINUTE
LEASE = 10 * SECOND
LIMIT = 5


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Give an empty store, on either dialect in turn."""
    async with open_store(parse_database_url(database_url), vault=Vault(Keyring())) as store:
        yield store


async def add_many(store: SqlStore, count: int, name: str = "shop") -> list[Endpoint]:
    """Keep a job with endpoints of one minute."""
    job = a_job(name)
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


async def run_at(store: SqlStore, now: datetime) -> None:
    """Claim, start and settle one run; the store then remembers its endpoint."""
    batch = await store.queue.claim(worker=WorkerId("here"), limit=1, lease_for=LEASE, now=now)
    (token,) = [run.lease.token for run in batch.runs]
    await store.queue.start([token], now=now)
    settlement = a_settlement(token, started_at=now, ended_at=now)
    assert list((await store.queue.settle([settlement], now=now)).values()) == [Settled.ACCEPTED]


async def double(store: SqlStore, endpoint: Endpoint, earlier: timedelta) -> None:
    """Put an endpoint into the queue a second time by hand, so much earlier."""
    async with store.engine.begin() as connection:
        key = due.c.endpoint_id == endpoint.id
        row = (await connection.execute(select(due).where(key))).mappings().one()
        await connection.execute(due.insert(), {**row, "due_at": row["due_at"] - earlier})


async def test_a_second_place_of_a_remembered_endpoint_is_cleared_away(store: SqlStore) -> None:
    """Although nothing has to be read of what is remembered, the claim that meets it clears it."""
    (endpoint,) = await add_many(store, 1)
    await run_at(store, FIRST_SLOT)
    await double(store, endpoint, 30 * SECOND)

    met = await store.queue.claim(
        worker=WorkerId("here"), limit=LIMIT, lease_for=LEASE, now=FIRST_SLOT + 40 * SECOND
    )

    assert (len(met.runs), await count(store)) == (0, (1, 0))
    await run_at(store, FIRST_SLOT + MINUTE)


async def test_a_place_of_a_leased_endpoint_keeps_nobody_waiting(store: SqlStore) -> None:
    """A claim had the other one of its two places, and left the one that its state points to."""
    (endpoint,) = await add_many(store, 1)
    await run_at(store, FIRST_SLOT)
    await double(store, endpoint, SECOND)
    (behind,) = await add_many(store, 1, "another job")
    now = FIRST_SLOT + MINUTE + SECOND
    async with store.engine.begin() as connection:
        later = update(due).where(due.c.endpoint_id == behind.id)
        await connection.execute(later.values(due_at=now))
        pointing = update(endpoint_state).where(endpoint_state.c.endpoint_id == behind.id)
        await connection.execute(pointing.values(due_at=now))

    runs: list[EndpointId] = []
    for _ in range(3):
        batch = await store.queue.claim(worker=WorkerId("w"), limit=1, lease_for=LEASE, now=now)
        runs += [run.endpoint.id for run in batch.runs]

    assert runs == [endpoint.id, behind.id]
    assert await count(store) == (0, 2)


async def test_places_of_deleted_endpoints_at_a_full_host_are_cleared_away(
    store: SqlStore,
) -> None:
    """There is no lane for them to wait in: no run of theirs is ever to come."""
    *gone, left = await add_many(store, LIMIT + 1)
    caps = Caps(per_host=1)
    (run,) = (await claim(store, limit=1)).runs
    dead = [each for each in (*gone, left) if each.id != run.endpoint.id]
    await delete_by_hand(store, dead)

    met = await store.queue.claim(
        worker=WorkerId("here"), limit=LIMIT, lease_for=LEASE, now=FIRST_SLOT + SECOND, caps=caps
    )

    assert (len(met.runs), met.held_back) == (0, 0)
    assert await count(store) == (0, 1)


async def test_a_place_that_another_claim_has_is_not_waited_for(
    postgres_store: SqlHandle,
) -> None:
    """An endpoint that is doubled and tripled is met by two claims at once."""
    store = cast("SqlStore", postgres_store)
    (endpoint,) = await add_many(store, 1)
    await double(store, endpoint, SECOND)
    async with store.engine.begin() as connection:
        await connection.execute(update(endpoint_state).values(due_at=None))
    async with store.engine.begin() as another:
        locked = select(due).where(due.c.due_at == FIRST_SLOT).with_for_update()
        assert len((await another.execute(locked)).all()) == 1

        await claim(store)
        await store.examination.take_out(await store.examination.strays(limit=9))

        assert await count(store) == (1, 0)
    await store.examination.take_out(await store.examination.strays(limit=9))
    assert await count(store) == (0, 0)


async def test_any_number_of_leases_of_deleted_endpoints_is_taken_away(
    sqlite_database: str,
) -> None:
    """One look after the other, however little each finds."""
    async with open_store(parse_database_url(sqlite_database), vault=Vault(Keyring())) as store:
        await add_many(store, 1)
        await claim(store)
        async with store.engine.begin() as connection:
            row = (await connection.execute(select(leases))).mappings().one()
            dead = [
                {**row, "token": row["token"] + n, "endpoint_id": new_uuid(), "run_id": new_uuid()}
                for n in range(1, 1200)
            ]
            await connection.execute(leases.insert(), dead)
            await connection.execute(delete(endpoints))

        assert await store.queue.reap(limit=1, now=FIRST_SLOT + MINUTE) == []
        assert await count(store) == (0, 0)


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

    await store.examination.take_out(found)

    assert [each.endpoint_id for each in found] == [gone.id]
    assert await store.examination.strays(limit=9) == []
    assert await count(store) == (1, 0)
