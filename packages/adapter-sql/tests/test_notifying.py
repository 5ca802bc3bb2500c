"""Wake-ups between processes on PostgreSQL: few, in time, and back after an outage."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import psycopg
import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.notifying import CHANNEL, Notifying
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.testing.processes import Processes
from cronicorn_adapter_sql.vault import Vault
from cronicorn_adapter_sql.wakeups import Signal
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.ports.wakeups import LOOK_WITHIN
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    SECOND,
    a_job,
    a_settlement,
    a_trigger,
    an_endpoint,
    every,
)

PATIENCE = 20
"""Seconds after which something counts as missing."""
DROP_LISTENERS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    f" WHERE datname = current_database() AND query = 'LISTEN {CHANNEL}'"
)


class Ear:
    """A connection of the test's own that hears all notifications."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def heard(self) -> int:
        """Count what has been told since the last time, as far as it is committed."""
        await self._connection.execute(f"NOTIFY {CHANNEL}, 'end'")
        count = 0
        async for each in self._connection.notifies():
            if each.payload == "end":
                return count
            count += 1
        raise AssertionError("the connection ended")

    async def drop_listeners(self) -> int:
        """End the connections of those who listen, as the server's administrator may."""
        await self._connection.execute(f"UNLISTEN {CHANNEL}")
        found = await (await self._connection.execute(DROP_LISTENERS)).fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture
async def ear(postgres_database: str) -> AsyncIterator[Ear]:
    """Give an ear on the database."""
    async with await psycopg.AsyncConnection.connect(
        postgres_database, autocommit=True
    ) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield Ear(connection)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    """Open the store as one process would; closed, it has told all there was to tell."""
    async with open_store(parse_database_url(url), vault=Vault(Keyring())) as store:
        yield store


async def add(store: SqlStore, every_so_long: timedelta = HOUR, count: int = 1) -> list[Endpoint]:
    """Keep endpoints."""
    job = a_job(str(every_so_long))
    added = [an_endpoint(job, f"{n}", schedule=every(every_so_long)) for n in range(count)]
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in added:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return added


async def ask(store: SqlStore, endpoint: Endpoint, now: datetime) -> None:
    """Ask for a run at once."""
    async with store.units.begin() as unit:
        await unit.hints.trigger(endpoint.tenant, endpoint.id, a_trigger(now), now=now)
        await unit.commit()


async def test_a_storm_of_writes_is_told_twice(postgres_database: str, ear: Ear) -> None:
    """At once, and once more for all that came while that was too short ago."""
    async with open_engine(parse_database_url(postgres_database)) as engine:
        notifying = Notifying(engine, between=HOUR)
        for _ in range(100):
            notifying.tell()
            await asyncio.sleep(0)
        await notifying.close()

    assert await ear.heard() == 2


async def test_what_comes_later_than_the_next_look_is_not_told(
    postgres_database: str, ear: Ear
) -> None:
    """Whoever waits looks again before that, trap T29."""
    async with opened(postgres_database) as store:
        await add(store, LOOK_WITHIN + SECOND, count=20)
    assert await ear.heard() == 0

    async with opened(postgres_database) as store:
        await add(store, LOOK_WITHIN)
    assert await ear.heard() == 1


@pytest.mark.parametrize(("elsewhere", "told"), [(False, 0), (True, 1)])
async def test_a_settle_is_told_where_nobody_claims(
    postgres_database: str, ear: Ear, *, elsewhere: bool, told: int
) -> None:
    """Whoever claims takes what follows; a process that does not leaves it to others."""
    now = EPOCH + SECOND
    async with opened(postgres_database) as store, opened(postgres_database) as other:
        await add(store, SECOND)
        batch = await store.queue.claim(
            worker=WorkerId("a"), limit=9, lease_for=10 * SECOND, now=now
        )
        tokens = [run.lease.token for run in batch.runs]
        await store.queue.start(tokens, now=now)
        await asyncio.sleep(0)
        settlements = [a_settlement(each, started_at=now) for each in tokens]
        await (other if elsewhere else store).queue.settle(settlements, now=now + SECOND)

    assert await ear.heard() == 1 + told


def test_a_signal_is_heeded_while_somebody_looks() -> None:
    """A process that is full neither waits nor looks: what it puts back is for others."""
    seconds = 0.0
    signal = Signal(monotonic=lambda: seconds)
    before = signal.heeded

    signal.look()
    looked = signal.heeded
    seconds += 1

    assert (before, looked, signal.heeded) == (False, True, False)


async def test_a_listener_whose_connection_is_ended_misses_nothing(
    postgres_database: str, ear: Ear
) -> None:
    """It comes back by itself, and looks for what was committed meanwhile."""
    async with opened(postgres_database) as sleeper, opened(postgres_database) as writer:
        endpoints = await add(writer, count=3)
        async with asyncio.timeout(PATIENCE):
            sleeper.wakeups.arm()
            await sleeper.wakeups.wait()  # the first signal tells that it listens

        dropped = 0
        for number, endpoint in enumerate(endpoints):
            now = EPOCH + (30 - number) * SECOND
            asleep = asyncio.create_task(sleep_until_due(sleeper, now))
            await asyncio.sleep(0)
            dropped += await ear.drop_listeners()
            await ask(writer, endpoint, now)
            await asleep

    assert dropped > 0


async def sleep_until_due(store: SqlStore, instant: datetime) -> None:
    """Do as a sleeper does, but without ever looking again by itself."""
    async with asyncio.timeout(PATIENCE):
        store.wakeups.arm()
        while await store.queue.next_due() != instant:
            await store.wakeups.wait()
            store.wakeups.arm()


async def test_sleepers_of_other_processes_run_what_is_written(postgres_database: str) -> None:
    """Each write ends the sleep of one of them, which runs it: nobody looked in between."""
    processes = Processes(postgres_database)
    async with opened(postgres_database) as writer:
        endpoints = await add(writer, count=2)
        sleepers = [await processes.start(f"sleeper {number}") for number in range(2)]
        assert [await each.ask("listen") for each in sleepers] == [[], []]
        asleep = {
            asyncio.create_task(each.ask(f"sleep {(EPOCH + SECOND).isoformat()}"))
            for each in sleepers
        }

        ran: list[Sequence[str]] = []
        for endpoint in endpoints:
            await ask(writer, endpoint, EPOCH + SECOND)
            done, asleep = await asyncio.wait(asleep, return_when=asyncio.FIRST_COMPLETED)
            ran += [[key for _, key, _, _ in await each] for each in done]
    await processes.end()

    assert ran == [[str(endpoint.id)] for endpoint in endpoints]
