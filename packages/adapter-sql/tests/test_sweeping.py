"""What came back far below is found, and no claim waits for it, trap T27."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from cronicorn_adapter_sql import lower_bound, sweeping
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.errors import ran_out_of_time
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.lower_bound import NEAR, SWEEP_AT_LEAST_EVERY, SWEEP_EVERY
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import due
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND, a_job, an_endpoint
from sqlalchemy import Connection, event, insert, select
from sqlalchemy.exc import OperationalError

FIRST_SLOT = EPOCH + MINUTE
LATER = FIRST_SLOT + SWEEP_AT_LEAST_EVERY + NEAR


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    """Open the store as another process has it."""
    async with open_store(parse_database_url(url), vault=Vault(Keyring())) as store:
        yield store


@pytest.fixture
async def store(postgres_database: str) -> AsyncIterator[SqlStore]:
    """Give an empty store on PostgreSQL."""
    async with opened(postgres_database) as store:
        yield store


@pytest.fixture
def long_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every sweep from the floor taken for a long one."""
    monkeypatch.setattr(lower_bound, "QUICK", timedelta())


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


async def claimed(store: SqlStore, now: datetime) -> list[UUID]:
    """Claim what is due, and return whose it is."""
    batch = await store.queue.claim(worker=WorkerId("a"), limit=9, lease_for=HOUR, now=now)
    return [run.endpoint.id for run in batch.runs]


@asynccontextmanager
async def gone_meanwhile(store: SqlStore, endpoint: Endpoint) -> AsyncIterator[None]:
    """Have an endpoint leave the queue within the block, and come back at its end."""
    key = due.c.endpoint_id == endpoint.id
    async with store.engine.begin() as connection:
        gone = (await connection.execute(select(due).where(key))).one()
        await connection.execute(due.delete().where(key))
    yield
    async with store.engine.begin() as connection:
        await connection.execute(insert(due).values(**gone._mapping))


async def swept() -> None:
    """Wait for the sweep that is under way."""
    (sweep,) = [each for each in asyncio.all_tasks() if each.get_name() == "sweep"]
    await asyncio.wait([sweep])


@pytest.mark.usefixtures("long_sweeps")
async def test_what_came_back_far_below_is_found_without_a_claim_that_waits(
    store: SqlStore,
) -> None:
    """Where the sweep from the floor is long it is made beside claims, and the next one knows."""
    early, late = await add(store, 2)
    async with gone_meanwhile(store, early):
        assert await claimed(store, FIRST_SLOT) == [late.id]
        assert await claimed(store, FIRST_SLOT + NEAR + SECOND) == []
        await swept()

    assert await claimed(store, LATER) == []
    await swept()
    assert await claimed(store, LATER) == [early.id]


@pytest.mark.usefixtures("long_sweeps")
async def test_one_process_sweeps_at_a_time(store: SqlStore, postgres_database: str) -> None:
    """Whoever finds another at it tries again soon, as the other may end before it claims."""
    early, late = await add(store, 2)
    async with gone_meanwhile(store, early):
        assert await claimed(store, FIRST_SLOT) == [late.id]
        assert await claimed(store, FIRST_SLOT + NEAR + SECOND) == []
        await swept()

    async with opened(postgres_database) as another, another.engine.begin() as connection:
        assert await sweeping._alone(connection)
        assert await claimed(store, LATER) == []
        await swept()
        assert await claimed(store, LATER + SECOND) == []
    assert await claimed(store, LATER + SWEEP_EVERY) == []
    await swept()
    assert await claimed(store, LATER + SWEEP_EVERY) == [early.id]


async def test_a_first_claim_waits_a_bounded_time_to_know_where_to_begin(
    store: SqlStore, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it takes what has just become due, and a sweep beside it finds what is long overdue."""
    overdue, _ = await add(store, 2)
    now = FIRST_SLOT + MINUTE
    async with gone_meanwhile(store, overdue):
        assert len(await claimed(store, now)) == 1
    monkeypatch.setattr(sweeping, "_FIRST_WITHIN", timedelta(milliseconds=1))
    tries = 0

    def too_long(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        nonlocal tries
        if "min(due.due_at)" in statement and (tries := tries + 1) == 1:
            connection.exec_driver_sql("SELECT pg_sleep(10)")

    async with opened(postgres_database) as fresh:
        event.listen(fresh.engine.sync_engine, "before_cursor_execute", too_long)
        assert await claimed(fresh, now) == []
        await swept()
        assert await claimed(fresh, now) == [overdue.id]


async def test_a_first_claim_takes_what_is_longest_overdue(
    store: SqlStore, postgres_database: str
) -> None:
    """Where that is found in no time, as nearly always, nothing waits for a sweep."""
    added = await add(store, 2)

    async with opened(postgres_database) as fresh:
        assert set(await claimed(fresh, FIRST_SLOT + HOUR)) == {each.id for each in added}


@pytest.mark.usefixtures("long_sweeps")
async def test_an_idle_process_finds_what_came_back_far_below(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whom nothing is due makes no claims: its looks for the next instant begin a sweep."""
    early, late = await add(store, 2)
    async with gone_meanwhile(store, early):
        assert await claimed(store, FIRST_SLOT + NEAR + SECOND) == [late.id]
        assert await claimed(store, FIRST_SLOT + NEAR + SECOND) == []
    bound = store.queue._database.due_bound
    monkeypatch.setattr(bound, "instant", lambda: LATER)

    assert await store.queue.next_due() is None
    await swept()

    assert bound.lowest == FIRST_SLOT


@pytest.mark.usefixtures("long_sweeps")
@pytest.mark.parametrize(
    ("fault", "told"),
    [(RuntimeError("a fault of ours"), True), (StoreUnavailable("no answer"), False)],
)
async def test_a_sweep_that_failed_is_told_and_made_again(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, fault: Exception, *, told: bool
) -> None:
    """What nobody foresaw comes out of the next claim, which has leased nothing by then."""
    (early,) = await add(store, 1)
    async with gone_meanwhile(store, early):
        assert await claimed(store, FIRST_SLOT + NEAR + SECOND) == []

    async def fails(_: object) -> bool:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr(sweeping, "_alone", fails)
        assert await claimed(store, LATER) == []
        await swept()
    if told:
        with pytest.raises(RuntimeError, match="a fault of ours"):
            await claimed(store, LATER)
    assert await claimed(store, LATER) == []

    again = LATER + (sweeping.AFTER_A_FAULT if told else SWEEP_EVERY)
    assert await claimed(store, again) == []
    await swept()
    assert await claimed(store, again) == [early.id]


def test_only_what_took_too_long_is_given_up() -> None:
    """Another outage than that is no reason to begin anywhere else."""
    assert not ran_out_of_time(StoreUnavailable("no answer"))
    gone = StoreUnavailable("gone")
    gone.__cause__ = OperationalError("SELECT 1", {}, Exception("gone"))
    assert not ran_out_of_time(gone)
