"""Looks into the database of a phase while it runs."""

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

from cronicorn_adapter_sql.database_url import SqliteDatabase, parse_database_url
from cronicorn_adapter_sql.engine import open_engine, read_only
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.tables import due, leases
from cronicorn_domain.errors import StoreUnavailable
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

_OVERDUE: Final = timedelta(seconds=1)
_LOOKS_EVERY: Final = 0.1
_PATIENCE: Final = 100.0


def holds_lease(database: str, pid: int) -> bool:
    """Say whether the worker with this process number holds a lease now."""
    return asyncio.run(_holds_lease(database, pid))


async def _holds_lease(database: str, pid: int) -> bool:
    async with (
        open_engine(parse_database_url(database), create=False) as engine,
        read_only(engine).connect() as connection,
    ):
        workers = (await connection.execute(select(leases.c.worker))).scalars()
        return any(f"-{pid}-" in worker for worker in workers)


def can_be_written(database: str) -> bool:
    """
    Say whether nobody holds the right to write just now.

    On PostgreSQL nobody ever does; on SQLite one connection at a time has it for the whole file.
    """
    opened = parse_database_url(database)
    if not isinstance(opened, SqliteDatabase):
        return True
    with closing(sqlite3.connect(opened.path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
    return True


def recovery_of(database: str, ended: float) -> float | None:
    """
    Return how long after the fault everything was as if it had not been; None: it never was.

    Then no lease from before its end is left, and nothing is overdue by more than a second.
    """
    return asyncio.run(_recovery(database, ended))


async def _recovery(database: str, ended: float) -> float | None:
    async with open_engine(parse_database_url(database), create=False) as opened:
        engine = read_only(opened)  # on SQLite: it takes no lock, and waits for none
        before = await _newest_lease(engine)
        while time.time() - ended < _PATIENCE:
            if await _is_well(engine, before):
                return round(time.time() - ended, 2)
            await asyncio.sleep(_LOOKS_EVERY)
    return None


async def _newest_lease(engine: AsyncEngine) -> int:
    while True:
        try:
            with translated():
                async with engine.connect() as connection:
                    found = await connection.execute(select(func.max(leases.c.token)))
                    return found.scalar_one() or 0
        except StoreUnavailable:
            await asyncio.sleep(_LOOKS_EVERY)


async def _is_well(engine: AsyncEngine, before: int) -> bool:
    late = datetime.fromtimestamp(time.time(), UTC) - _OVERDUE
    old = select(leases.c.token).where(leases.c.token <= before).exists()
    overdue = select(due.c.due_at).where(due.c.due_at < late).exists()
    try:
        with translated():
            async with engine.connect() as connection:
                return not (await connection.execute(select(old | overdue))).scalar_one()
    except StoreUnavailable:
        return False
