"""The registry of workers on SQL: a statement for each call, as idle workers make these calls."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.worker import Worker
from sqlalchemy import Executable, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.lengths import from_microseconds, to_microseconds
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.tables import workers


class SqlWorkerRegistry:
    """What the workers over one database told of themselves; each call is a transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._reading = single_statements(read_only(engine))
        self._single = single_statements(engine)

    async def announce(self, worker: Worker) -> None:
        """Keep what a worker tells of itself."""
        values = _values_of(worker)
        async with self._writing() as connection:
            await connection.execute(_told(values, connection.dialect.name))

    async def leave(self, name: WorkerId) -> None:
        """Forget a worker."""
        async with self._writing() as connection:
            await connection.execute(delete(workers).where(workers.c.name == name))

    async def forget(self, *, unseen_since: datetime) -> int:
        """Forget the workers last seen before an instant."""
        unseen = delete(workers).where(workers.c.seen_at < unseen_since)
        async with self._writing() as connection:
            return len((await connection.execute(unseen.returning(workers.c.name))).all())

    async def list_workers(self) -> Sequence[Worker]:
        """Return the workers in the order of their names."""
        statement = select(workers).order_by(workers.c.name)
        with translated():
            async with self._reading.connect() as connection:
                rows = (await connection.execute(statement)).mappings().all()
        # The database may know another order of letters than Python.
        return sorted((_worker_from(row) for row in rows), key=lambda worker: worker.name)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            async with self._single.begin() as connection:
                yield connection


def _told(values: Values, dialect: str) -> Executable:
    key = [workers.c.name]
    if dialect == "sqlite":
        own = sqlite.insert(workers).values(values)
        return own.on_conflict_do_update(index_elements=key, set_=values)
    told = postgresql.insert(workers).values(values)
    return told.on_conflict_do_update(index_elements=key, set_=values)


def _values_of(worker: Worker) -> Values:
    return {
        "name": worker.name,
        "started_at": worker.started_at,
        "seen_at": worker.seen_at,
        "concurrency": worker.concurrency,
        "version": worker.version,
        "zone_data": worker.zone_data,
        "clock_skew": to_microseconds(worker.clock_skew),
        "floor": to_microseconds(worker.floor),
    }


def _worker_from(row: Columns) -> Worker:
    return Worker(
        name=WorkerId(row["name"]),
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        concurrency=row["concurrency"],
        version=row["version"],
        zone_data=row["zone_data"],
        clock_skew=from_microseconds(row["clock_skew"]),
        floor=from_microseconds(row["floor"]),
    )
