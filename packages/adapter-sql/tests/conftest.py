"""Databases for the tests: a real PostgreSQL and SQLite files, empty for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.testing.databases import (
    copied_sqlite,
    emptied_postgres,
    empty_postgres,
    migrated_postgres,
    migrated_sqlite,
    sqlite_url,
)
from cronicorn_adapter_sql.testing.handle import SqlHandle, opened_handle
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from sqlalchemy.ext.asyncio import AsyncEngine

pytest.register_assert_rewrite("cronicorn_domain.testing")

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give a PostgreSQL server for the whole run."""
    with throwaway_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres_database(postgres_url: str) -> Iterator[str]:
    """Give the migrated PostgreSQL database that tests use one after another."""
    with migrated_postgres(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file; copy it, do not open it."""
    return migrated_sqlite(tmp_path_factory.mktemp("sqlite-template"))


@pytest.fixture
def postgres_database(migrated_postgres_database: str) -> Iterator[str]:
    """Give the URL of a migrated PostgreSQL database that the test has to itself, empty."""
    with emptied_postgres(migrated_postgres_database) as url:
        yield url


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> str:
    """Give the URL of a migrated SQLite database of the test's own."""
    return copied_sqlite(sqlite_template, tmp_path)


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a migrated database, on either dialect in turn."""
    name = {"sqlite": "sqlite_database", "postgresql": "postgres_database"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def empty_sqlite_database(tmp_path: Path) -> str:
    """Give the URL of a SQLite file that does not exist yet."""
    return sqlite_url(tmp_path, "empty.db")


@pytest.fixture
def empty_postgres_database(postgres_url: str) -> Iterator[str]:
    """Give the URL of a PostgreSQL database without tables."""
    with empty_postgres(postgres_url) as url:
        yield url


@pytest.fixture(params=DIALECTS)
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a database without tables, on either dialect in turn."""
    name = {"sqlite": "empty_sqlite_database", "postgresql": "empty_postgres_database"}
    url: str = request.getfixturevalue(name[request.param])
    return url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine over a migrated database, on either dialect in turn."""
    async with open_engine(parse_database_url(database_url)) as opened:
        yield opened


@pytest.fixture
async def sql_store(database_url: str) -> AsyncIterator[SqlHandle]:
    """Give an empty store, on either dialect in turn."""
    async with opened_handle(database_url) as handle:
        yield handle


@pytest.fixture
async def postgres_store(postgres_database: str) -> AsyncIterator[SqlHandle]:
    """Give an empty store on PostgreSQL."""
    async with opened_handle(postgres_database) as handle:
        yield handle
