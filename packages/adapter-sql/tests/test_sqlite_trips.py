"""Statements on SQLite are one trip each to the thread that runs them."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cronicorn_adapter_sql.sqlite_trips import OneTripConnection, connecting
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[OneTripConnection]:
    """Give a connection to a file of its own."""
    opened = await connecting(tmp_path / "trips.db", timeout=1)()
    yield opened
    await opened.close()


@pytest.fixture
async def engine(connection: OneTripConnection) -> AsyncIterator[AsyncEngine]:
    """Give SQLAlchemy that connection."""

    async def give() -> OneTripConnection:
        return connection

    made = create_async_engine("sqlite+aiosqlite:///given.db", async_creator=give)
    yield made
    await made.dispose()


async def test_a_statement_is_one_trip(
    connection: OneTripConnection, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it returns, how many it wrote and the end of its cursor come with it."""
    async with engine.connect() as using:
        await using.exec_driver_sql("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
        trips: list[str] = []
        real = OneTripConnection._execute

        async def counted(self, fn, *args, **kwargs):
            trips.append(getattr(fn, "__name__", ""))
            return await real(self, fn, *args, **kwargs)

        monkeypatch.setattr(OneTripConnection, "_execute", counted)
        many = await using.exec_driver_sql("INSERT INTO numbers VALUES (?)", [(1,), (2,), (3,)])
        found = await using.exec_driver_sql("UPDATE numbers SET n = n + 10 RETURNING n")
        rows = [tuple(row) for row in found]
        one = await using.exec_driver_sql("DELETE FROM numbers WHERE n > ?", (11,))

    assert (many.rowcount, rows, one.rowcount) == (3, [(11,), (12,), (13,)], 2)
    assert trips[:3] == ["_run"] * 3
    assert trips[3:].count("_run") == 0


async def test_an_error_is_the_drivers(engine: AsyncEngine) -> None:
    """What SQLite refuses comes out as it does elsewhere, and the connection goes on."""
    async with engine.connect() as using:
        await using.exec_driver_sql("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
        await using.exec_driver_sql("INSERT INTO numbers VALUES (1)")
        with pytest.raises(IntegrityError) as raised:
            await using.exec_driver_sql("INSERT INTO numbers VALUES (1)")

        assert isinstance(raised.value.orig, sqlite3.IntegrityError)
        assert (await using.exec_driver_sql("SELECT count(*) FROM numbers")).scalar_one() == 1
