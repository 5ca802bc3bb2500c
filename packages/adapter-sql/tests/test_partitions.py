"""History by days on PostgreSQL: made ahead, dropped behind, and in nobody's way."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from cronicorn_adapter_sql import large_default
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import EngineLimits, open_engine
from cronicorn_adapter_sql.history_room import SqlHistoryRoom
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.migrating.runner import downgrade, upgrade
from cronicorn_adapter_sql.migrating.standing import table_names
from cronicorn_adapter_sql.store import SqlStore, open_store, store_over
from cronicorn_adapter_sql.tables import runs
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    MINUTE,
    a_job,
    a_settlement,
    an_endpoint,
    succeeded,
)
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

FIRST_SLOT = EPOCH + MINUTE
LEASE = timedelta(days=9)


@pytest.fixture
async def store(postgres_database: str) -> AsyncIterator[SqlStore]:
    """Give an empty store on PostgreSQL."""
    vault = Vault(Keyring())
    async with open_store(parse_database_url(postgres_database), vault=vault) as opened:
        yield opened


async def add(store: SqlStore) -> Endpoint:
    """Keep an endpoint of one minute."""
    job = a_job()
    endpoint = an_endpoint(job)
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return endpoint


async def claim(store: SqlStore, now: datetime) -> Any:
    """Claim the only endpoint."""
    (run,) = (await store.queue.claim(worker=WorkerId("a"), limit=1, lease_for=LEASE, now=now)).runs
    return run


async def run_at(store: SqlStore, now: datetime) -> None:
    """Run the only endpoint, with an answer."""
    token = (await claim(store, now)).lease.token
    await store.queue.start([token], now=now)
    settlement = a_settlement(token, started_at=now, ended_at=now, outcome=succeeded("a story"))
    await store.queue.settle([settlement], now=now)


async def places(store: SqlStore) -> list[tuple[str, str]]:
    """Tell in which partitions runs and bodies lie, in the order of their slots."""
    where = "SELECT tableoid::regclass::text FROM {} ORDER BY slot"
    async with store.engine.connect() as connection:
        found = [
            (await connection.execute(text(where.format(table)))).scalars().all()
            for table in ("runs", "run_bodies")
        ]
    return list(zip(*found, strict=True))


async def test_days_are_made_ahead(store: SqlStore) -> None:
    """Runs and bodies lie in the partition of their slot's day, others in the default one."""
    assert await store.room.prepare(until=EPOCH + DAY, now=EPOCH) == 2
    await add(store)
    for day in range(3):
        await run_at(store, FIRST_SLOT + day * DAY)

    assert await places(store) == [
        ("runs_20250101", "run_bodies_20250101"),
        ("runs_20250102", "run_bodies_20250102"),
        ("runs_default", "run_bodies_default"),
    ]


async def test_a_day_that_has_rows_already_is_left_to_the_default_partition(
    store: SqlStore,
) -> None:
    """Its rows stay where they are; the days behind it get their partitions."""
    await add(store)
    await run_at(store, FIRST_SLOT)

    assert await store.room.prepare(until=EPOCH + DAY, now=EPOCH) == 1
    await run_at(store, FIRST_SLOT + MINUTE)
    await run_at(store, FIRST_SLOT + DAY)

    assert [run for run, _ in await places(store)] == [
        "runs_default",
        "runs_default",
        "runs_20250102",
    ]


async def test_a_partition_keeps_what_the_table_keeps(store: SqlStore) -> None:
    """It has the table's keys, checks and indexes, and room on its pages for the end of a run."""
    await store.room.prepare(until=EPOCH, now=EPOCH)
    asked = (
        "SELECT (SELECT count(*) FROM pg_constraint WHERE conrelid = c.oid),"
        " (SELECT count(*) FROM pg_index WHERE indrelid = c.oid), c.reloptions"
        " FROM pg_class AS c WHERE relname = :name"
    )
    async with store.engine.connect() as connection:
        made, net = [
            tuple((await connection.execute(text(asked), {"name": name})).one())
            for name in ("runs_20250101", "runs_default")
        ]

    assert made == net


async def test_whole_days_past_retention_are_dropped(store: SqlStore) -> None:
    """The days before the instant go at once, its own day stays, and so does the net."""
    await store.room.prepare(until=EPOCH + 2 * DAY, now=EPOCH)
    await add(store)
    for day in range(4):
        await run_at(store, FIRST_SLOT + day * DAY)

    assert await store.room.clear(before=FIRST_SLOT + 2 * DAY) == 2

    assert [run for run, _ in await places(store)] == ["runs_20250103", "runs_default"]


async def test_partitions_go_with_their_tables(empty_postgres_database: str) -> None:
    """A downgrade leaves none behind, and they are not taken for anybody else's tables."""
    async with open_engine(parse_database_url(empty_postgres_database)) as engine:
        await upgrade(engine)
        before = await table_names(engine)
        await SqlHistoryRoom(engine).prepare(until=EPOCH + 2 * DAY, now=EPOCH)
        assert await table_names(engine) == before

        await downgrade(engine, target="base")

        assert await table_names(engine) == frozenset()


async def hold(connection: AsyncConnection) -> None:
    """Do what a claim that takes long does: write a run, and do not commit."""
    await connection.execute(text("LOCK TABLE runs IN ROW EXCLUSIVE MODE"))
    await connection.execute(select(runs.c.id).limit(1))


async def test_who_is_at_work_keeps_days_from_being_dropped(store: SqlStore) -> None:
    """Making and dropping give up before long; what was left is done the next time."""
    await store.room.prepare(until=EPOCH, now=EPOCH)
    await add(store)
    async with store.engine.connect() as busy:
        await hold(busy)
        assert await store.room.clear(before=EPOCH + 5 * DAY) == 0
        await run_at(store, FIRST_SLOT)

    assert await store.room.clear(before=EPOCH + 5 * DAY) == 1
    assert await places(store) == []


async def test_what_is_locked_is_free_when_the_server_is_done(
    store: SqlStore, postgres_database: str
) -> None:
    """Runs do not wait until a busy process comes back to commit what it has had made."""
    url = urlsplit(postgres_database)._replace(scheme="postgresql").geturl()
    locked: list[Any] = []

    def look(_: object, __: object, statement: str, *___: object) -> None:
        if "PARTITION" in statement or "DROP TABLE" in statement:
            with psycopg.connect(url) as other:
                held = "SELECT relation::regclass FROM pg_locks WHERE mode = 'AccessExclusiveLock'"
                locked.append(other.execute(held).fetchall())

    event.listen(store.engine.sync_engine, "after_cursor_execute", look)
    await store.room.prepare(until=EPOCH, now=EPOCH)
    await store.room.clear(before=EPOCH + DAY)

    assert locked == [[], []]


async def enlarge(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a default partition that counts as large, with a run of the first day."""
    await add(store)
    await run_at(store, FIRST_SLOT)
    monkeypatch.setattr(large_default, "LARGE", 0)


async def constraints(store: SqlStore) -> list[str]:
    """Tell what is assumed of the default partitions."""
    async with store.engine.connect() as connection:
        found = await connection.execute(text(large_default.CONSTRAINTS))
        return [name for _, name in found]


async def listen(store: SqlStore) -> list[str]:
    """Have PostgreSQL tell what it does, on every connection that is opened from now on."""
    said: list[str] = []

    def hear(connection: Any, _: object) -> None:
        raw = connection.driver_connection
        raw.add_notice_handler(lambda notice: said.append(notice.message_primary))
        cursor = connection.cursor()
        cursor.execute("SET client_min_messages = debug1")
        cursor.close()
        connection.commit()

    await store.engine.dispose()
    event.listen(store.engine.sync_engine, "connect", hear)
    return said


async def test_days_are_made_beside_a_large_default_partition_which_is_not_read_for_it(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is proven to hold nothing of them while runs are written, and so nobody waits."""
    await enlarge(store, monkeypatch)
    said = await listen(store)

    assert await store.room.prepare(until=EPOCH + 2 * DAY, now=EPOCH) == 2
    await run_at(store, FIRST_SLOT + MINUTE)
    await run_at(store, FIRST_SLOT + DAY)

    assert await places(store) == [
        ("runs_default", "run_bodies_default"),
        ("runs_default", "run_bodies_default"),
        ("runs_20250102", "run_bodies_20250102"),
    ]
    assert await constraints(store) == []
    by_proof = 'default partition "%s" is implied by existing constraints'
    for net in ("runs_default", "run_bodies_default"):
        assert len([line for line in said if by_proof % net in line]) == 2


async def test_a_day_that_begins_within_the_hour_is_not_proven_empty(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were its constraint left behind by a crash, its runs could not be kept."""
    await enlarge(store, monkeypatch)

    made = await store.room.prepare(until=EPOCH + 2 * DAY, now=EPOCH + DAY - 59 * MINUTE)

    assert made == 1
    await run_at(store, FIRST_SLOT + DAY)
    assert [run for run, _ in await places(store)] == ["runs_default"] * 2


async def test_what_a_crash_left_of_a_proof_is_lifted_before_the_next(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes room first lets runs of that day in again."""
    await enlarge(store, monkeypatch)
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql(
            f"DO $$ BEGIN {large_default.assumed((EPOCH + DAY).date())} END $$"
        )
    assert await constraints(store) == ["without_20250102"] * 2

    await store.room.prepare(until=EPOCH + DAY, now=EPOCH + DAY)

    assert await constraints(store) == []
    await run_at(store, FIRST_SLOT + DAY)


async def test_a_proof_is_lifted_where_making_fails(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is assumed for longer than it takes, also where somebody is in the way."""
    await enlarge(store, monkeypatch)
    async with store.engine.connect() as busy:
        await hold(busy)
        assert await store.room.prepare(until=EPOCH + 2 * DAY, now=EPOCH) == 0

    await store.room.prepare(until=EPOCH + 2 * DAY, now=EPOCH)
    assert await constraints(store) == []


@pytest.mark.parametrize("left", [("runs",), ("run_bodies",), ("runs", "run_bodies")])
async def test_partitions_that_a_restore_did_not_attach_are_attached(
    store: SqlStore, left: Sequence[str]
) -> None:
    """A day of which a table is there, alone, and with a row in it, is whole afterwards."""
    await add(store)
    await store.room.prepare(until=EPOCH, now=EPOCH)
    await run_at(store, FIRST_SLOT)
    async with store.engine.begin() as connection:
        for table in left:
            await connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION {table}_20250101"))

    missing = await store.room.missing(until=EPOCH, now=EPOCH)
    made = await store.room.prepare(until=EPOCH, now=EPOCH)

    assert (missing, made) == ([EPOCH.date()], 1)
    assert await places(store) == [("runs_20250101", "run_bodies_20250101")]


async def test_half_a_day_is_dropped_as_well(store: SqlStore) -> None:
    """A day whose bodies somebody dropped does not stand in the way of pruning."""
    await store.room.prepare(until=EPOCH, now=EPOCH)
    async with store.engine.begin() as connection:
        await connection.execute(text("DROP TABLE run_bodies_20250101"))

    assert await store.room.clear(before=EPOCH + DAY) == 1


async def test_pruning_blocks_no_claim(store: SqlStore, postgres_database: str) -> None:
    """A claim of what is pruned at this moment does not even wait for a hundred milliseconds."""
    await add(store)
    for minute in range(3):
        await run_at(store, FIRST_SLOT + minute * MINUTE)
    limits = EngineLimits(lock=timedelta(milliseconds=100))
    async with (
        open_engine(parse_database_url(postgres_database), limits=limits) as engine,
        store.units.begin() as unit,
    ):
        pruned = await unit.runs.prune(before=EPOCH + 9 * DAY, limit=10, now=EPOCH + 9 * DAY)
        await run_at(store_over(engine, vault=Vault(Keyring())), FIRST_SLOT + 3 * MINUTE)
        await unit.commit()

    assert pruned.runs == 3
    assert len(await places(store)) == 1
