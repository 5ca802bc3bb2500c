"""The whole store over one database, opened and closed together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.state import DEFAULT_FLOOR
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.activity import SqlActivity
from cronicorn_adapter_sql.database_url import DatabaseUrl
from cronicorn_adapter_sql.endpoint_queue import SqlEndpointQueue
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.examination import SqlExamination
from cronicorn_adapter_sql.history_room import SqlHistoryRoom
from cronicorn_adapter_sql.listening import Listening
from cronicorn_adapter_sql.lower_bound import LowerBound
from cronicorn_adapter_sql.notifying import Notifying
from cronicorn_adapter_sql.pooler import behind_pooler
from cronicorn_adapter_sql.rate_limits import SqlRateLimits
from cronicorn_adapter_sql.transaction import Database
from cronicorn_adapter_sql.unit_of_work import SqlUnitsOfWork
from cronicorn_adapter_sql.vault import Vault
from cronicorn_adapter_sql.wakeups import Signal, SqlWakeups
from cronicorn_adapter_sql.worker_registry import SqlWorkerRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStore:
    """
    Every port that a database serves, over one engine.

    ``slots_recorded`` counts the slots that were recorded instead of run through it, by fate, as
    far as they are committed; it keeps growing.
    """

    engine: AsyncEngine
    queue: SqlEndpointQueue
    units: SqlUnitsOfWork
    wakeups: SqlWakeups
    workers: SqlWorkerRegistry
    limits: SqlRateLimits
    activity: SqlActivity
    room: SqlHistoryRoom
    examination: SqlExamination
    slots_recorded: Mapping[Fate, int]


def store_over(engine: AsyncEngine, *, vault: Vault, floor: timedelta = DEFAULT_FLOOR) -> SqlStore:
    """
    Return the store over an engine whose database has all tables.

    It neither tells other processes of its commits nor hears of theirs: all learn by polling.
    """
    return _store(Database(engine=engine, vault=vault, floor=floor, signal=Signal()))


@asynccontextmanager
async def shared_store(
    engine: AsyncEngine, *, vault: Vault, floor: timedelta = DEFAULT_FLOOR
) -> AsyncIterator[SqlStore]:
    """
    Give a store that, on PostgreSQL, tells of its commits and hears of those of others.

    Behind a pooler it tells, too, but polls for the others, as nobody can listen there.
    """
    if engine.dialect.name == "sqlite":
        yield store_over(engine, vault=vault, floor=floor)
        return
    signal, notifying = Signal(), Notifying(engine)
    listening = None if behind_pooler(engine) else Listening(engine, signal.send)
    database = Database(
        engine=engine,
        vault=vault,
        floor=floor,
        signal=signal,
        notifying=notifying,
        due_bound=LowerBound(beside=True),
    )
    store = _store(database, listening)
    try:
        yield store
    finally:
        await store.queue.close()
        if listening is not None:
            await listening.close()
        await notifying.close()


def _store(database: Database, listening: Listening | None = None) -> SqlStore:
    return SqlStore(
        engine=database.engine,
        slots_recorded=database.slots_recorded,
        queue=SqlEndpointQueue(database),
        units=SqlUnitsOfWork(database),
        wakeups=SqlWakeups(database.signal, listening),
        workers=SqlWorkerRegistry(database.engine),
        limits=SqlRateLimits(database.engine),
        activity=SqlActivity(database.engine),
        room=SqlHistoryRoom(database.engine),
        examination=SqlExamination(database),
    )


@asynccontextmanager
async def open_store(
    database: DatabaseUrl, *, vault: Vault, floor: timedelta = DEFAULT_FLOOR
) -> AsyncIterator[SqlStore]:
    """
    Open the store of a migrated database, and close all its connections at the end of the block.

    Raises:
        StoreUnavailable: it cannot be reached or is locked; trying again may help.
        StoreRefused: the file, the database or the role does not do.
    """
    async with (
        open_engine(database) as engine,
        shared_store(engine, vault=vault, floor=floor) as store,
    ):
        yield store
