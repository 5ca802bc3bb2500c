"""The stores that are told stories: in memory, and over a migrated SQLite and PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

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
from cronicorn_adapter_sql.engine import DEFAULT_LIMITS, open_engine
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import store_over
from cronicorn_adapter_sql.tables import due, endpoint_state, endpoints
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
from cronicorn_domain.testing.store_agreement import StoreAgreement, ToldStore, agreement_over
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

LIMITS = replace(DEFAULT_LIMITS, idle_in_transaction=timedelta(minutes=10))
"""A unit lies open over as many steps as the story likes, on however busy a machine."""
UNREADABLE_GRACE, READABLE_GRACE = timedelta(days=9999), timedelta(seconds=60)


class Handle:
    """One way into a store."""

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
        due_rows: Callable[[], Awaitable[Mapping[EndpointId, datetime]]],
        break_row: Callable[[EndpointId, bool], Awaitable[None]],
        others_write_meanwhile: bool,
    ) -> None:
        self.queue, self.units = queue, units
        self.wakeups, self.workers, self.room = wakeups, workers, room
        self.limits, self.activity = limits, activity
        self.others_write_meanwhile = others_write_meanwhile
        self._another, self._due_rows, self._break_row = another, due_rows, break_row

    async def another(self) -> "Handle":
        """Return a second handle on the same data."""
        return self._another()

    async def due_rows(self) -> Mapping[EndpointId, datetime]:
        """Return from when on which endpoint can be claimed; what waits for room is left out."""
        return await self._due_rows()

    async def corrupt_schedule(self, endpoint_id: EndpointId) -> None:
        """Make the stored schedule unreadable."""
        await self._break_row(endpoint_id, True)  # noqa: FBT003  broken

    async def mend_schedule(self, endpoint_id: EndpointId) -> None:
        """Put the schedule back as it was; its misfire grace was a minute."""
        await self._break_row(endpoint_id, False)  # noqa: FBT003  mended


@contextmanager
def agreement() -> Iterator[type[StoreAgreement]]:
    """Start a PostgreSQL, make a SQLite file, and give the state machine over all stores."""
    with (
        TemporaryDirectory() as folder,
        throwaway_postgres() as server,
        migrated_postgres(server) as postgres_url,
    ):
        template, here = Path(folder) / "template", Path(folder) / "told"
        for each in (template, here):
            each.mkdir()
        sqlite_url = copied_sqlite(migrated_sqlite(template), here)
        with over(sqlite_url, postgres_url) as machine:
            yield machine


@contextmanager
def over(sqlite_url: str, postgres_url: str) -> Iterator[type[StoreAgreement]]:
    """Give the state machine over a memory store and these databases, which it empties."""
    with asyncio.Runner() as runner:
        engines = AsyncExitStack()
        urls = {"SQLite": sqlite_url, "PostgreSQL": postgres_url}
        opened = {
            name: runner.run(
                engines.enter_async_context(open_engine(parse_database_url(url), limits=LIMITS))
            )
            for name, url in urls.items()
        }

        async def open_stores(_stack: AsyncExitStack) -> Mapping[str, ToldStore]:
            for engine in opened.values():
                await _emptied(engine)
            stores: dict[str, ToldStore] = {"memory": _in_memory(MemoryStore())}
            return stores | {name: _on_sql(each) for name, each in opened.items()}

        try:
            yield agreement_over(open_stores, runner)
        finally:
            runner.run(engines.aclose())


def _in_memory(store: MemoryStore) -> Handle:
    async def due_rows() -> Mapping[EndpointId, datetime]:
        rows = store.due_rows
        return {each: row.due_at for each, row in rows.items() if not row.waits}

    async def break_row(endpoint_id: EndpointId, broken: bool) -> None:  # noqa: FBT001
        reason = "the expression is broken" if broken else None
        store.tables.endpoints[endpoint_id].unreadable = reason

    return Handle(
        MemoryEndpointQueue(store),
        MemoryUnitsOfWork(store),
        MemoryWakeups(store),
        MemoryWorkerRegistry(store),
        room=MemoryHistoryRoom(),
        limits=MemoryRateLimits(store),
        activity=MemoryActivity(store),
        another=lambda: _in_memory(store),
        due_rows=due_rows,
        break_row=break_row,
        others_write_meanwhile=False,
    )


def _on_sql(engine: AsyncEngine) -> Handle:
    store = store_over(engine, vault=Vault(Keyring(parse_keys("test:" + "A" * 43 + "="))))

    async def due_rows() -> Mapping[EndpointId, datetime]:
        async with engine.connect() as connection:
            found = select(due.c.endpoint_id, due.c.due_at).where(due.c.lane.is_(None))
            rows = await connection.execute(found)
            return {EndpointId(each.endpoint_id): each.due_at for each in rows}

    async def break_row(endpoint_id: EndpointId, broken: bool) -> None:  # noqa: FBT001
        """Write a column as another version might: the revision tells of it, as of every write."""
        grace = UNREADABLE_GRACE if broken else READABLE_GRACE
        changed = {"misfire_grace": grace // timedelta(microseconds=1)}
        counted = {
            "revision": endpoint_state.c.revision + 1,
            "edition": endpoint_state.c.edition + 1,
        }
        async with engine.begin() as connection:
            key = endpoints.c.id == endpoint_id
            await connection.execute(update(endpoints).where(key).values(changed))
            key = endpoint_state.c.endpoint_id == endpoint_id
            await connection.execute(update(endpoint_state).where(key).values(counted))
            key = due.c.endpoint_id == endpoint_id
            await connection.execute(update(due).where(key).values(revision=due.c.revision + 1))

    return Handle(
        store.queue,
        store.units,
        store.wakeups,
        store.workers,
        room=store.room,
        limits=store.limits,
        activity=store.activity,
        another=lambda: _on_sql(engine),
        due_rows=due_rows,
        break_row=break_row,
        others_write_meanwhile=engine.dialect.name == "postgresql",
    )


async def _emptied(engine: AsyncEngine) -> None:
    """Leave no row of the story before."""
    async with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())
