"""The connection that is kept for what comes many times a second."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.kept_connection import KeptConnection, kept_transaction
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

PID = text("SELECT pg_backend_pid()")


@pytest.fixture
async def postgres_engine(postgres_database: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine over an empty database on PostgreSQL."""
    async with open_engine(parse_database_url(postgres_database)) as engine:
        yield engine


async def server_process(connection: AsyncConnection) -> int:
    """Return the process that serves a connection."""
    return int(await connection.scalar(PID) or 0)


async def test_it_comes_back(postgres_engine: AsyncEngine) -> None:
    """Who comes after another gets the same connection, without a transaction of his."""
    kept = KeptConnection(postgres_engine)
    async with kept.begin() as connection:
        first = await server_process(connection)
    async with kept.begin() as connection:
        assert await server_process(connection) == first


async def test_two_at_once_have_one_each(postgres_engine: AsyncEngine) -> None:
    """Nobody waits for it, and one of the two goes back to the pool."""
    kept = KeptConnection(postgres_engine)
    async with AsyncExitStack() as stack:
        both = [await stack.enter_async_context(kept.begin()) for _ in range(2)]
        assert len({await server_process(each) for each in both}) == 2

    assert postgres_engine.pool.checkedout() == 1  # type: ignore[attr-defined]


async def test_stores_over_one_engine_share_it(postgres_engine: AsyncEngine) -> None:
    """However many there are, one connection is kept for each purpose."""
    for _ in range(20):
        async with kept_transaction(postgres_engine, "claim")() as connection:
            await connection.execute(PID)

    assert postgres_engine.pool.checkedout() == 1  # type: ignore[attr-defined]


async def test_after_an_error_it_is_the_pools(postgres_engine: AsyncEngine) -> None:
    """A connection that is lost is not used again."""
    kept = KeptConnection(postgres_engine)
    with pytest.raises(DBAPIError):
        async with kept.begin() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    assert postgres_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    async with kept.begin() as connection:
        assert await server_process(connection) > 0


@pytest.mark.parametrize("single", [False, True])
async def test_it_is_closed_with_the_engine(postgres_database: str, single: bool) -> None:
    """Nothing is left on the server when the engine is closed."""
    database = parse_database_url(postgres_database)
    async with (
        open_engine(database, application_name="kept") as engine,
        KeptConnection(engine, single=single).use() as connection,
    ):
        await connection.execute(PID)

    with psycopg.connect(postgres_database, autocommit=True) as looking:
        left = looking.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'kept'"
        ).fetchall()
    assert left == []
