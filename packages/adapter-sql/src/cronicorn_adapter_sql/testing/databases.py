"""
Fresh databases for tests: each test finds an empty one, without migrating it anew.

A SQLite file is copied; a PostgreSQL database is emptied after each test, which costs a fiftieth of
creating one. Whoever needs them writes fixtures of a line each over these blocks; pytest is not
known here.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

import cronicorn_adapter_sql.tables  # noqa: F401  it brings the tables into the metadata
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import upgrade

_DISCONNECT_OTHERS: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_RELATIONS: Final = (
    "SELECT relname FROM pg_class"
    " WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
)


def migrate(url: str) -> None:
    """Bring a database to the newest revision, from code that is not asynchronous."""
    asyncio.run(_migrate(url))


async def _migrate(url: str) -> None:
    async with open_engine(parse_database_url(url)) as engine:
        await upgrade(engine)


@contextmanager
def empty_postgres(server_url: str) -> Iterator[str]:
    """Create an empty database on a server, give its URL, and drop it at the end of the block."""
    name = f"cronicorn_test_{uuid4().hex}"
    create = "CREATE DATABASE {} TEMPLATE template0"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL(create).format(sql.Identifier(name)))
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


@contextmanager
def migrated_postgres(server_url: str) -> Iterator[str]:
    """Create a database with all tables; ``emptied_postgres`` hands it from test to test."""
    with empty_postgres(server_url) as url:
        migrate(url)
        yield url


@contextmanager
def emptied_postgres(url: str, *, disconnect: bool = True) -> Iterator[str]:
    """
    Give a migrated database, and leave it as it was: without rows, new tables and connections.

    A pooler's connections are left to it: it may hand one on that has just been ended.
    Whoever changes the tables that there are takes a database of its own instead.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        before = _relations(connection)
    try:
        yield url
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            if disconnect:
                connection.execute(_DISCONNECT_OTHERS)
            connection.execute(sql.SQL(";").join(_delete_all()))
            for name in _relations(connection) - before:
                drop = sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(name))
                connection.execute(drop)


def _relations(connection: psycopg.Connection) -> set[str]:
    """Name the tables and partitions that there are."""
    return {name for (name,) in connection.execute(_RELATIONS)}


def _delete_all() -> Iterator[sql.Composed]:
    """Delete row by row: where there are few, it is far cheaper than to truncate."""
    for table in reversed(metadata.sorted_tables):
        yield sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name))


def sqlite_url(folder: Path, name: str = "cronicorn.db") -> str:
    """Return the URL of a file that need not exist yet."""
    return f"sqlite:///{folder / name}"


def migrated_sqlite(folder: Path) -> Path:
    """Make a file with all tables; ``copied_sqlite`` makes copies of it."""
    migrate(sqlite_url(folder))
    return folder / "cronicorn.db"


def copied_sqlite(template: Path, folder: Path) -> str:
    """Copy a file that nobody has open, and return the copy's URL."""
    copy = folder / template.name
    shutil.copy(template, copy)
    return sqlite_url(folder, copy.name)
