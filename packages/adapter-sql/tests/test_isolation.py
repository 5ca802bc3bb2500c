"""A row that the database refuses harms only itself, and what fails half-way leaves nothing."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import (
    due,
    endpoint_state,
    leases,
    roll_ups,
    run_bodies,
    runs,
)
from cronicorn_adapter_sql.testing.rows import GOOD, write
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from cronicorn_domain.identity import Token, WorkerId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Body, BodyKind, RunStatus
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, ClaimedRun, Settled, Settlement
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
    succeeded,
)
from sqlalchemy import Connection, Table, event, func, select

FIRST_SLOT = EPOCH + MINUTE
LEASE = 10 * SECOND
LATE = FIRST_SLOT + 5 * MINUTE
"""Slots were missed by then, so that a claim writes to everything."""


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Give an empty store, on either dialect in turn."""
    vault = Vault(Keyring())
    async with open_store(parse_database_url(database_url), vault=vault) as store:
        yield store


async def add(store: SqlStore, *names: str) -> list[Endpoint]:
    """Keep a job with endpoints of one minute."""
    job = a_job()
    added = [an_endpoint(job, name) for name in names]
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in added:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return added


async def claim(store: SqlStore, now: datetime = FIRST_SLOT) -> ClaimBatch:
    """Claim what is due."""
    return await store.queue.claim(worker=WorkerId("a"), limit=100, lease_for=LEASE, now=now)


async def started(store: SqlStore) -> dict[str, ClaimedRun]:
    """Claim what is due and start it; return it by the endpoints' names."""
    batch = await claim(store)
    await store.queue.start([run.lease.token for run in batch.runs], now=FIRST_SLOT)
    return {run.endpoint.name: run for run in batch.runs}


def result(run: ClaimedRun) -> Settlement:
    """Return a success with a body."""
    return a_settlement(run.lease.token, started_at=FIRST_SLOT, outcome=succeeded("fine"))


async def plant(store: SqlStore, table: str, values: Mapping[str, Any]) -> None:
    """Write a row behind the store's back."""
    await write(store.engine, (table, {**GOOD[table], **values}))


async def count(store: SqlStore, table: Table) -> int:
    """Count the rows of a table."""
    async with store.engine.connect() as connection:
        found = await connection.execute(select(func.count()).select_from(table))
        number: int = found.scalar_one()
    return number


async def status(store: SqlStore, run: ClaimedRun) -> RunStatus:
    """Read a run's status."""
    async with store.units.begin() as unit:
        return (await unit.runs.get(run.lease.tenant, run.lease.run_id)).status


async def test_a_run_that_cannot_be_written_sets_its_endpoint_aside(store: SqlStore) -> None:
    """One endpoint breaks a constraint; the others of the batch are leased, trap T15, trap T05."""
    good, bad, other = await add(store, "good", "bad", "other")
    await plant(store, "runs", {"endpoint_id": bad.id, "slot": FIRST_SLOT, "tenant": bad.tenant})

    batch = await claim(store)

    assert {run.endpoint.id for run in batch.runs} == {good.id, other.id}
    assert set(batch.quarantined) == {bad.id}
    assert batch.passed == 1
    assert (await count(store, leases), await count(store, runs)) == (2, 3)
    assert await count(store, due) == 0
    async with store.units.begin() as unit:
        ((_, state),) = await unit.catalog.get_states(bad.tenant, [bad.id])
    assert state.quarantine == batch.quarantined[bad.id]


async def test_who_was_set_aside_heals_beyond_the_slot(store: SqlStore) -> None:
    """Planned anew it goes on with the slots that follow, the planted run as it was."""
    (bad,) = await add(store, "bad")
    await plant(store, "runs", {"endpoint_id": bad.id, "slot": FIRST_SLOT, "tenant": bad.tenant})
    await claim(store)

    assert await store.queue.heal_quarantined(now=FIRST_SLOT + SECOND) == [bad.id]

    assert await store.queue.next_due() == FIRST_SLOT + MINUTE


@contextmanager
def missing(words: str, store: SqlStore) -> Iterator[None]:
    """Have a statement in which these words are ask for a table that there is not."""

    def spoil(
        _c: object, _cursor: object, statement: str, parameters: Any, *_: Any
    ) -> tuple[str, Any]:
        return statement.replace(words, f"{words}_gone", 1), parameters

    event.listen(store.engine.sync_engine, "before_cursor_execute", spoil, retval=True)
    yield
    event.remove(store.engine.sync_engine, "before_cursor_execute", spoil)


async def test_what_refuses_everything_sets_nobody_aside(store: SqlStore) -> None:
    """A fault of the whole database is an error, and every endpoint stays as it was."""
    await add(store, "one", "two")

    with missing("INSERT INTO runs", store), pytest.raises(StoreRefused):
        await claim(store)

    async with store.engine.connect() as connection:
        sick = await connection.execute(select(endpoint_state.c.quarantine))
        assert set(sick.scalars()) == {None}
    assert len((await claim(store)).runs) == 2


async def test_what_refuses_every_settle_is_an_error(store: SqlStore) -> None:
    """No result is called lost for a fault of the whole database."""
    await add(store, "one", "two")
    held = await started(store)
    results = [result(run) for run in held.values()]

    with missing("UPDATE runs", store), pytest.raises(StoreRefused):
        await store.queue.settle(results, now=FIRST_SLOT + SECOND)

    answers = await store.queue.settle(results, now=FIRST_SLOT + SECOND)
    assert set(answers.values()) == {Settled.ACCEPTED}


async def test_a_full_disk_loses_no_result(sqlite_database: str) -> None:
    """A result that finds no space is an outage, not lost: it is taken once there is some."""
    async with open_store(parse_database_url(sqlite_database), vault=Vault(Keyring())) as store:
        await add(store, "one")
        (run,) = (await started(store)).values()
        large = succeeded("x" * 1_000_000)
        settlement = a_settlement(run.lease.token, started_at=FIRST_SLOT, outcome=large)

        with full_disk(store), pytest.raises(StoreUnavailable, match="full"):
            await store.queue.settle([settlement], now=FIRST_SLOT + SECOND)

        answers = await store.queue.settle([settlement], now=FIRST_SLOT + SECOND)
        assert set(answers.values()) == {Settled.ACCEPTED}


@contextmanager
def full_disk(store: SqlStore) -> Iterator[None]:
    """Let a SQLite file grow no further for a while."""

    def limit(pages: int) -> Callable[[Connection], object]:
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    full, free = limit(1), limit(1 << 30)
    event.listen(store.engine.sync_engine, "begin", full)
    yield
    event.remove(store.engine.sync_engine, "begin", full)
    event.listen(store.engine.sync_engine, "begin", free)


async def test_a_response_that_is_refused_is_kept_bare(store: SqlStore) -> None:
    """Its run counts, and the others of the batch keep their bodies, trap T16."""
    await add(store, "one", "bad", "two", "three")
    held = await started(store)
    planted = {"run_id": held["bad"].lease.run_id, "slot": FIRST_SLOT, "text": "planted"}
    await plant(store, "run_bodies", planted)

    answers = await store.queue.settle(
        [result(run) for run in held.values()], now=FIRST_SLOT + SECOND
    )

    assert set(answers.values()) == {Settled.ACCEPTED}
    assert {await status(store, run) for run in held.values()} == {RunStatus.SUCCESS}
    async with store.units.begin() as unit:
        for name in ("one", "two", "three"):
            run = await unit.runs.get(held[name].lease.tenant, held[name].lease.run_id)
            assert run.response is not None
            assert run.response.body == Body(kind=BodyKind.TEXT, text="fine")
    assert (await count(store, due), await count(store, leases)) == (4, 0)


async def test_a_response_without_content_needs_no_row(store: SqlStore) -> None:
    """A status alone is the run's own; it reads back as it was."""
    await add(store, "one")
    (run,) = (await started(store)).values()
    bare = a_settlement(run.lease.token, started_at=FIRST_SLOT, outcome=succeeded())

    await store.queue.settle([bare], now=FIRST_SLOT + SECOND)

    assert await count(store, run_bodies) == 0
    async with store.units.begin() as unit:
        kept = await unit.runs.get(run.lease.tenant, run.lease.run_id)
    assert kept.response == succeeded().response


async def test_a_result_that_is_refused_is_left_to_the_reaper(store: SqlStore) -> None:
    """It is answered as lost, its lease stays, and the others of the batch are settled."""
    *_, bad = await add(store, "one", "two", "bad")
    held = await started(store)
    await plant(
        store,
        "due",
        {"endpoint_id": bad.id, "due_at": FIRST_SLOT + MINUTE, "tenant": bad.tenant},
    )

    answers = await store.queue.settle(
        [result(run) for run in held.values()], now=FIRST_SLOT + SECOND
    )

    token = held["bad"].lease.token
    assert answers == {
        run.lease.token: Settled.LOST if run.lease.token == token else Settled.ACCEPTED
        for run in held.values()
    }
    assert await status(store, held["bad"]) is RunStatus.RUNNING
    assert [each.token for each in await store.queue.reap(limit=9, now=FIRST_SLOT + LEASE)] == [
        token
    ]


async def test_a_lease_that_cannot_be_reaped_keeps_no_other(store: SqlStore) -> None:
    """The reaper takes those that it can."""
    *_, bad = await add(store, "one", "two", "bad")
    held = await started(store)
    end = FIRST_SLOT + LEASE
    await plant(store, "due", {"endpoint_id": bad.id, "due_at": end, "tenant": bad.tenant})

    reaped = await store.queue.reap(limit=9, now=end)

    expected: set[Token] = {held[name].lease.token for name in ("one", "two")}
    assert {each.token for each in reaped} == expected
    assert await count(store, leases) == 1


@pytest.mark.parametrize(
    "words", ["INSERT INTO leases", "INSERT INTO runs", "DELETE FROM due", "UPDATE endpoint_state"]
)
async def test_a_connection_lost_within_a_claim_leaves_nothing(
    postgres_database: str, words: str
) -> None:
    """Nothing is leased, and the next claim has a connection that works."""
    vault = Vault(Keyring())
    async with open_store(parse_database_url(postgres_database), vault=vault) as store:
        await add(store, "one", "two")

        with cut_before(words, store, postgres_database), pytest.raises(StoreUnavailable):
            await claim(store, LATE)

        assert (await count(store, leases), await count(store, runs)) == (0, 0)
        assert len((await claim(store, LATE)).runs) == 2


@pytest.mark.parametrize("words", ["DELETE FROM leases", "INSERT INTO roll_ups", "INSERT INTO due"])
@pytest.mark.parametrize("claimed_by", ["itself", "another"])
async def test_a_connection_lost_within_a_settle_leaves_nothing(
    postgres_database: str, words: str, claimed_by: str
) -> None:
    """The runs are still under way, and the same results can be given once more."""
    vault, database = Vault(Keyring()), parse_database_url(postgres_database)
    async with open_store(database, vault=vault) as store, open_store(database, vault=vault) as it:
        await add(store, "one", "two")
        claiming = store if claimed_by == "itself" else it
        results = [result(run) for run in (await started(claiming)).values()]

        with cut_before(words, store, postgres_database), pytest.raises(StoreUnavailable):
            await store.queue.settle(results, now=FIRST_SLOT + SECOND)

        assert (await count(store, roll_ups), await count(store, run_bodies)) == (0, 0)
        answers = await store.queue.settle(results, now=FIRST_SLOT + SECOND)
        assert set(answers.values()) == {Settled.ACCEPTED}


@contextmanager
def cut_before(words: str, store: SqlStore, url: str) -> Iterator[None]:
    """Have the server end the database's connections before a statement with these words."""

    def cut(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if words in statement:
            with psycopg.connect(url, autocommit=True) as another:
                another.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    event.listen(store.engine.sync_engine, "before_cursor_execute", cut)
    yield
    event.remove(store.engine.sync_engine, "before_cursor_execute", cut)
