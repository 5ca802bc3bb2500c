"""The memory store is the oracle: SQLite and PostgreSQL answer every story as it does."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from cronicorn_adapter_memory.activity import MemoryActivity
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.history_room import MemoryHistoryRoom
from cronicorn_adapter_memory.rate_limits import MemoryRateLimits
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_adapter_memory.worker_registry import MemoryWorkerRegistry
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import store_over
from cronicorn_adapter_sql.testing.databases import (
    copied_sqlite,
    migrated_postgres,
    migrated_sqlite,
)
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.activity import Activity
from cronicorn_domain.ports.endpoint_queue import EndpointQueue
from cronicorn_domain.ports.history_room import HistoryRoom
from cronicorn_domain.ports.rate_limits import RateLimits
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.ports.wakeups import Wakeups
from cronicorn_domain.ports.worker_registry import WorkerRegistry
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_agreement import agreement_over
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

STORIES = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Handle:
    """One way into a store; the stories break no rows."""

    def __init__(
        self,
        queue: EndpointQueue,
        units: UnitsOfWork,
        wakeups: Wakeups,
        workers: WorkerRegistry,
        *,
        room: HistoryRoom,
        limits: RateLimits,
        activity: Activity,
        another: Callable[[], "Handle"],
    ) -> None:
        self.queue, self.units = queue, units
        self.wakeups, self.workers, self.room = wakeups, workers, room
        self.limits, self.activity = limits, activity
        self._another = another

    async def another(self) -> Store:
        return self._another()

    async def corrupt_schedule(self, endpoint_id: EndpointId) -> None:
        raise NotImplementedError

    async def mend_schedule(self, endpoint_id: EndpointId) -> None:
        raise NotImplementedError


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """Give a migrated PostgreSQL database."""
    with throwaway_postgres() as server, migrated_postgres(server) as url:
        yield url


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a migrated SQLite database."""
    folder = tmp_path_factory.mktemp("agreement")
    return copied_sqlite(migrated_sqlite(tmp_path_factory.mktemp("template")), Path(folder))


def test_every_store_tells_the_same_story(postgres_url: str, sqlite_url: str) -> None:
    """Whatever people, workers and time do, the stores agree to the letter (trap T42)."""
    with asyncio.Runner() as runner:
        engines = AsyncExitStack()
        opened = {
            name: runner.run(engines.enter_async_context(open_engine(parse_database_url(url))))
            for name, url in (("SQLite", sqlite_url), ("PostgreSQL", postgres_url))
        }

        async def open_stores(stack: AsyncExitStack) -> Mapping[str, Store]:
            for engine in opened.values():
                await emptied(engine)
            stores: dict[str, Store] = {"memory": in_memory(MemoryStore())}
            return stores | {name: on_sql(each) for name, each in opened.items()}

        run_state_machine_as_test(agreement_over(open_stores, runner), settings=STORIES)
        runner.run(engines.aclose())


def in_memory(store: MemoryStore) -> Handle:
    return Handle(
        MemoryEndpointQueue(store),
        MemoryUnitsOfWork(store),
        MemoryWakeups(store),
        MemoryWorkerRegistry(store),
        room=MemoryHistoryRoom(),
        limits=MemoryRateLimits(store),
        activity=MemoryActivity(store),
        another=lambda: in_memory(store),
    )


def on_sql(engine: AsyncEngine) -> Handle:
    store = store_over(engine, vault=Vault(Keyring(parse_keys("test:" + "A" * 43 + "="))))
    return Handle(
        store.queue,
        store.units,
        store.wakeups,
        store.workers,
        room=store.room,
        limits=store.limits,
        activity=store.activity,
        another=lambda: on_sql(engine),
    )


async def emptied(engine: AsyncEngine) -> None:
    """Leave no row of the story before."""
    async with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())
