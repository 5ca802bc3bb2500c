"""Endpoints that somebody edits at this moment: they keep no other run, lease or result."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from cronicorn_adapter_sql.breakers import NEVER
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.lower_bound import LowerBound
from cronicorn_adapter_sql.picking import Picking
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import due, endpoint_state, leases, runs
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import RunId, TenantId, Token, WorkerId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.ports.endpoint_queue import Settled, StartRefusal
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
    an_interval_hint,
    every,
)
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

FIRST_SLOT = EPOCH + MINUTE
LEASE = 10 * SECOND
END = FIRST_SLOT + LEASE


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Give an empty store, on either dialect in turn."""
    async with open_store(parse_database_url(database_url), vault=Vault(Keyring())) as store:
        yield store


@pytest.fixture
async def postgres(postgres_database: str) -> AsyncIterator[SqlStore]:
    """Give an empty store on PostgreSQL, where writers lock rows and not the whole database."""
    vault = Vault(Keyring())
    async with open_store(parse_database_url(postgres_database), vault=vault) as store:
        yield store


async def add(store: SqlStore, count: int) -> list[Endpoint]:
    """Keep a job with endpoints of one minute."""
    job = a_job()
    added = [an_endpoint(job, f"endpoint {number}") for number in range(count)]
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in added:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return added


async def claimed(store: SqlStore) -> dict[Endpoint, Token]:
    """Claim what is due at the first slot, and return the tokens."""
    batch = await store.queue.claim(
        worker=WorkerId("a"), limit=100, lease_for=LEASE, now=FIRST_SLOT
    )
    return {run.endpoint: run.lease.token for run in batch.runs}


async def started(store: SqlStore) -> dict[Endpoint, Token]:
    """Claim what is due at the first slot and start it."""
    tokens = await claimed(store)
    await store.queue.start(list(tokens.values()), now=FIRST_SLOT)
    return tokens


@asynccontextmanager
async def being_edited(store: SqlStore, endpoint: Endpoint) -> AsyncIterator[None]:
    """Leave an edit of an endpoint uncommitted within the block, and commit it at its end."""
    async with store.units.begin() as unit:
        edited = replace(endpoint, description="edited")
        await unit.catalog.change_endpoint(edited, now=FIRST_SLOT)
        yield
        await unit.commit()


async def held(store: SqlStore) -> set[Token]:
    """Read the tokens of the leases that live."""
    async with store.engine.connect() as connection:
        return set((await connection.execute(select(leases.c.token))).scalars())


async def test_results_of_others_are_kept(postgres: SqlStore) -> None:
    """Only the result of the endpoint that is being edited has to be given again."""
    busy, *others = await add(postgres, 3)
    tokens = await started(postgres)
    results = [a_settlement(token, started_at=FIRST_SLOT) for token in tokens.values()]

    async with being_edited(postgres, busy):
        with pytest.raises(StoreUnavailable):
            await postgres.queue.settle(results, now=FIRST_SLOT + SECOND)

        assert await held(postgres) == {tokens[busy]}

    again = await postgres.queue.settle(results, now=FIRST_SLOT + SECOND)
    assert again == dict.fromkeys(tokens.values(), Settled.ACCEPTED)
    once_more = await postgres.queue.settle(results, now=FIRST_SLOT + SECOND)
    assert once_more == dict.fromkeys(tokens.values(), Settled.LOST)
    assert len(others) == len(again) - 1


async def test_what_is_free_soon_is_waited_for(postgres: SqlStore) -> None:
    """Two who settle the same results at once agree on who was first, trap T07."""
    await add(postgres, 5)
    tokens = await started(postgres)
    results = [a_settlement(token, started_at=FIRST_SLOT) for token in tokens.values()]
    async with being_edited(postgres, next(iter(tokens))):
        pass

    answers = await postgres.queue.settle(results, now=FIRST_SLOT + SECOND)

    assert set(answers.values()) == {Settled.ACCEPTED}


async def test_what_a_claim_passed_over_is_due_all_the_same(postgres: SqlStore) -> None:
    """An edit by another process that holds an endpoint over its instant delays it no further."""
    (busy,) = await add(postgres, 1)
    async with postgres.engine.begin() as another:
        await another.execute(select(due).with_for_update())
        assert await claimed(postgres) == {}
        late = await postgres.queue.claim(
            worker=WorkerId("one"), limit=10, lease_for=LEASE, now=FIRST_SLOT + SECOND
        )
        assert late.runs == ()

    assert await postgres.queue.next_due() == FIRST_SLOT
    batch = await postgres.queue.claim(
        worker=WorkerId("one"), limit=10, lease_for=LEASE, now=FIRST_SLOT + 2 * SECOND
    )
    assert [run.endpoint.id for run in batch.runs] == [busy.id]


async def test_an_edit_keeps_no_run_from_its_start(postgres: SqlStore) -> None:
    """What is committed after the last check came after the start, trap T14."""
    (busy,) = await add(postgres, 1)
    tokens = await claimed(postgres)

    async with being_edited(postgres, busy):
        answers = await postgres.queue.start(list(tokens.values()), now=FIRST_SLOT)

    assert answers == {tokens[busy]: None}


async def test_a_lease_that_is_being_ended_keeps_no_other_from_renewal(postgres: SqlStore) -> None:
    """A renewal waits for nobody: what it passes over is neither prolonged nor lost, trap T06."""
    first, second = await add(postgres, 2)
    tokens = await started(postgres)
    async with postgres.engine.begin() as connection:
        row = select(leases).where(leases.c.token == tokens[first]).with_for_update()
        await connection.execute(row)

        lost = await postgres.queue.renew(
            list(tokens.values()), lease_for=LEASE, now=FIRST_SLOT + SECOND
        )

    assert lost == frozenset()
    reaped = await postgres.queue.reap(limit=10, now=END)
    assert [each.token for each in reaped] == [tokens[first]]
    assert await held(postgres) == {tokens[second]}


async def test_the_reaper_comes_back_for_what_is_being_edited(postgres: SqlStore) -> None:
    """It takes the others at once, and that one as soon as the edit is over."""
    busy, other = await add(postgres, 2)
    tokens = await started(postgres)

    async with being_edited(postgres, busy):
        at_once = await postgres.queue.reap(limit=10, now=END)
    later = await postgres.queue.reap(limit=10, now=END)

    assert [each.token for each in at_once] == [tokens[other]]
    assert [each.token for each in later] == [tokens[busy]]


async def test_others_are_given_back_at_once(postgres: SqlStore) -> None:
    """A release of several undoes what it can before it waits."""
    busy, _ = await add(postgres, 2)
    tokens = await claimed(postgres)

    async with being_edited(postgres, busy):
        with pytest.raises(StoreUnavailable):
            await postgres.queue.release(list(tokens.values()), now=FIRST_SLOT)

        assert await held(postgres) == {tokens[busy]}


async def test_edits_in_any_order_meet_no_deadlock(postgres: SqlStore) -> None:
    """A unit of work that edits many, and a batch that settles them, never wait in a circle."""
    first, last = sorted(await add(postgres, 2), key=lambda each: each.id)
    tokens = await started(postgres)
    results = [a_settlement(token, started_at=FIRST_SLOT) for token in tokens.values()]

    async with being_edited(postgres, last):
        with pytest.raises(StoreUnavailable):
            await postgres.queue.settle(results, now=FIRST_SLOT + SECOND)
        async with being_edited(postgres, first):
            pass

    assert await held(postgres) == {tokens[last]}


async def test_a_stopped_run_is_refused_and_given_back(store: SqlStore) -> None:
    """Among those that start, the paused one alone is undone, trap T14."""
    paused, other = await add(store, 2)
    tokens = await claimed(store)
    async with store.units.begin() as unit:
        pause = Pause(until=OPEN_ENDED)
        await unit.catalog.pause_endpoint(paused.tenant, paused.id, pause, now=FIRST_SLOT)
        await unit.commit()

    answers = await store.queue.start(list(tokens.values()), now=FIRST_SLOT)

    after = next(token for endpoint, token in tokens.items() if endpoint.id == paused.id)
    assert answers == {after: StartRefusal.PAUSED, tokens[other]: None}
    assert await held(store) == {tokens[other]}


async def revision(store: SqlStore) -> int:
    """Read the revision of the only endpoint."""
    async with store.engine.connect() as connection:
        number: int = (await connection.execute(select(endpoint_state.c.revision))).scalar_one()
    return number


@pytest.mark.parametrize("verb", ["offer", "clear", "edit", "pause", "pause job"])
async def test_whatever_is_weighed_counts_up(store: SqlStore, verb: str) -> None:
    """Also while a lease lives, when nothing is planned, the revision tells of it, trap T08."""
    (endpoint,) = await add(store, 1)
    hint = an_interval_hint(MINUTE)
    key, now = (endpoint.tenant, endpoint.id), FIRST_SLOT
    async with store.units.begin() as unit:
        await unit.hints.offer(*key, hint, now=EPOCH)
        await unit.commit()
    assert len(await claimed(store)) == 1
    before = await revision(store)

    async with store.units.begin() as unit:
        match verb:
            case "offer":
                await unit.hints.offer(*key, an_interval_hint(created_at=now), now=now)
            case "clear":
                await unit.hints.clear(*key, now=now)
            case "edit":
                await unit.catalog.change_endpoint(replace(endpoint, schedule=every(HOUR)), now=now)
            case "pause":
                await unit.catalog.pause_endpoint(*key, Pause(until=OPEN_ENDED), now=now)
            case _:
                await unit.catalog.pause_job(endpoint.tenant, endpoint.job_id, now=now)
        await unit.commit()

    assert await revision(store) > before


async def test_lists_go_by_the_shared_clock(store: SqlStore) -> None:
    """A worker whose clock is ahead makes ids that are; its runs are no newer for it, trap T26."""
    (endpoint,) = await add(store, 1)
    key = (endpoint.tenant, endpoint.id)
    (token,) = (await started(store)).values()
    await store.queue.settle([a_settlement(token, started_at=FIRST_SLOT)], now=FIRST_SLOT + SECOND)
    ahead = RunId(UUID(int=new_uuid().int | 0xFF << 120))
    async with store.engine.begin() as connection:
        await connection.execute(update(runs).values(id=ahead))
    batch = await store.queue.claim(
        worker=WorkerId("b"), limit=1, lease_for=LEASE, now=FIRST_SLOT + MINUTE
    )
    newest = batch.runs[0].lease.run_id

    async with store.units.begin() as unit:
        listed = await unit.runs.list_runs(*key)
        older = await unit.runs.list_runs(*key, before=newest)
        health = await unit.runs.health(*key, since=EPOCH, now=FIRST_SLOT + MINUTE)

    assert [run.id for run in listed] == [newest, ahead]
    assert [run.id for run in older] == [ahead]
    assert health.last_run is not None
    assert health.last_run.id == newest


async def steps_of_a_pick(connection: AsyncConnection) -> int:
    """Pick ten, and return how many thousand steps SQLite took for it."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.set_progress_handler(count, 1000)
    picking = Picking(LowerBound())
    assert len(await picking.pick(connection, now=FIRST_SLOT, breaks=NEVER, limit=10)) == 10
    await driver.set_progress_handler(None, 1000)
    return steps


async def test_a_backlog_is_not_read_through(sqlite_database: str) -> None:
    """A claim costs as much with ten thousand overdue endpoints as with a thousand, trap T27."""
    crowded, other = TenantId(new_uuid()), TenantId(new_uuid())
    costs = []
    async with open_store(parse_database_url(sqlite_database), vault=Vault(Keyring())) as store:
        async with store.units.begin() as unit:
            for tenant in (crowded, other):
                await unit.catalog.add_job(a_job(tenant=tenant))
            await unit.commit()
        for number in (1000, 10_000):
            rows = [
                {
                    "due_at": EPOCH,
                    "endpoint_id": new_uuid(),
                    "tenant": tenant,
                    "slot": EPOCH,
                    "host": "shop.example",
                    "revision": 0,
                }
                for tenant in (*[crowded] * number, other)
            ]
            async with store.engine.begin() as connection:
                await connection.execute(insert(due), rows)
                costs.append(await steps_of_a_pick(connection))

    assert costs[1] <= costs[0] + 1


async def test_a_lease_that_is_renewed_while_the_reaper_looks_is_not_taken(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was over when it was found may live by the time it is locked; trap T25."""
    await add(store, 1)
    (token,) = (await claimed(store)).values()
    looks = store.queue._over

    async def found_and_then_renewed(limit: int, now: datetime) -> list[Token]:
        found = await looks(limit, now)
        assert await store.queue.renew([token], lease_for=LEASE, now=now) == frozenset()
        return found

    monkeypatch.setattr(store.queue, "_over", found_and_then_renewed)

    assert await store.queue.reap(limit=10, now=END) == []
    monkeypatch.undo()
    assert await store.queue.renew([token], lease_for=LEASE, now=END) == frozenset()
