"""Nothing rests on a session: each transaction may have another one."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine, read_only, single_statements
from cronicorn_adapter_sql.migrating.journey import Event, HeldUp
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.migrating.sessions import ADVISORY_KEY
from cronicorn_adapter_sql.notifying import CHANNEL
from cronicorn_adapter_sql.testing.databases import empty_postgres
from cronicorn_adapter_sql.testing.handle import opened_handle
from cronicorn_adapter_sql.testing.pooler import IGNORES, REFUSES, through
from cronicorn_adapter_sql.testing.processes import Processes
from cronicorn_domain.testing.builders import EPOCH, MINUTE, a_job, an_endpoint
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

pytestmark = pytest.mark.parametrize(
    "pooler_port", [REFUSES, IGNORES], ids=["refuses", "ignores"], indirect=True
)

SETTINGS = "SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')"
OURS, DEFAULT = ("30s", "off"), ("0", "on")
AT_ONCE = 6


@pytest.fixture
async def engine(pooled_url: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine on a database behind the pooler."""
    async with open_engine(parse_database_url(pooled_url)) as opened:
        yield opened


async def settings_of(engine: AsyncEngine) -> tuple[str, str]:
    """Read what holds in a transaction."""
    async with engine.begin() as connection:
        one, other = (await connection.execute(text(SETTINGS))).one()
    return one, other


async def test_each_transaction_brings_its_settings(engine: AsyncEngine, pooled_url: str) -> None:
    """Also one that only reads, or is a single statement; and they are gone when it is over."""
    for each in (engine, read_only(engine), single_statements(engine)):
        found = await asyncio.gather(*(settings_of(each) for _ in range(AT_ONCE)))
        assert set(found) == {OURS}

    async with await psycopg.AsyncConnection.connect(pooled_url, autocommit=True) as another:
        for _ in range(AT_ONCE):
            assert await (await another.execute(SETTINGS)).fetchone() == DEFAULT


async def test_what_only_reads_cannot_write(engine: AsyncEngine) -> None:
    """The server holds it, as it does without a pooler."""
    async with read_only(engine).connect() as connection:
        found = await connection.execute(text("SELECT current_setting('transaction_read_only')"))
        assert found.scalar_one() == "on"


async def test_workers_share_out_every_slot(
    pooled_url: str, administrator: psycopg.Connection
) -> None:
    """Claims, starts and settles of several processes, and no statement is left prepared."""
    async with opened_handle(pooled_url) as store:
        job = a_job()
        added = [an_endpoint(job, f"{number}") for number in range(30)]
        async with store.units.begin() as unit:
            await unit.catalog.add_job(job)
            for endpoint in added:
                await unit.catalog.add_endpoint(endpoint, now=EPOCH)
            await unit.commit()
    processes = Processes(pooled_url)
    workers = [await processes.start(f"worker {number}") for number in range(3)]

    slots = [EPOCH + number * MINUTE for number in range(1, 4)]
    told = []
    for slot in slots:
        for answer in await asyncio.gather(
            *(each.ask(f"work {slot.isoformat()}") for each in workers)
        ):
            told += answer
    listeners = administrator.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s", [f"LISTEN {CHANNEL}%"]
    ).fetchone()
    await processes.end()

    ran = sorted((key, slot) for _, key, slot, _ in told)
    assert ran == sorted((str(each.id), slot.isoformat()) for each in added for slot in slots)
    assert listeners == (0,)


async def test_no_statement_is_left_prepared(engine: AsyncEngine) -> None:
    """However often one is sent: the next transaction's session would not know it."""
    for _ in range(20):
        async with engine.begin() as connection:
            one = await connection.execute(text("SELECT CAST(:given AS integer)"), {"given": 1})
            assert one.scalar_one() == 1
    async with engine.begin() as connection:
        left = await connection.execute(text("SELECT count(*) FROM pg_prepared_statements"))
        assert left.scalar_one() == 0


async def test_processes_that_migrate_together_wait_for_each_other(
    postgres_url: str, pooler_port: int, administrator: psycopg.Connection
) -> None:
    """Each migration is applied once, and no lock is left behind."""
    with empty_postgres(postgres_url) as url:
        pooled = parse_database_url(through(pooler_port, url))
        async with open_engine(pooled) as one, open_engine(pooled) as other:
            applied = [
                step
                for steps in await asyncio.gather(upgrade(one), upgrade(other))
                for step in steps
            ]
            assert len(applied) == len({step.revision for step in applied}) > 0
        held = administrator.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        ).fetchone()

    assert held == (0,)


async def test_who_waits_to_migrate_takes_no_place(postgres_url: str, pooler_port: int) -> None:
    """It says that another process migrates, and has no transaction open meanwhile."""
    told = asyncio.Queue[Event]()
    with empty_postgres(postgres_url) as url:
        async with (
            open_engine(parse_database_url(through(pooler_port, url))) as replica,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as first,
        ):
            await first.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_KEY])
            waiting = asyncio.create_task(upgrade(replica, tell=told.put_nowait))
            async with asyncio.timeout(30):
                said = await told.get()
            assert said == HeldUp(reason="another process is migrating this database")

            await first.execute("CREATE TABLE built (id integer)")
            await first.execute("CREATE INDEX CONCURRENTLY at_work ON built (id)")

            assert not waiting.done()
            await first.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_KEY])
            assert len(await waiting) > 0
