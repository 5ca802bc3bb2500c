"""
Fresh databases for tests: each test gets its own, copied from one that was migrated once.

Whoever needs them writes fixtures of a line each over these blocks; pytest is not known here.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migration_runner import upgrade


def migrate(url: str) -> None:
    """Bring a database to the newest revision, from code that is not asynchronous."""
    asyncio.run(_migrate(url))


async def _migrate(url: str) -> None:
    async with open_engine(parse_database_url(url)) as engine:
        await upgrade(engine)


@contextmanager
def empty_postgres(server_url: str) -> Iterator[str]:
    """Create an empty database on a server, give its URL, and drop it at the end of the block."""
    with _created(server_url, template="template0") as url:
        yield url


@contextmanager
def migrated_postgres(server_url: str) -> Iterator[str]:
    """Create a database with all tables; ``copied_postgres`` makes copies of it in no time."""
    with empty_postgres(server_url) as url:
        migrate(url)
        yield url


@contextmanager
def copied_postgres(template_url: str) -> Iterator[str]:
    """Create a copy of a database to which nobody is connected, and drop it at the end."""
    template = make_url(template_url).database or ""
    with _created(template_url, template=template) as url:
        yield url


@contextmanager
def _created(server_url: str, *, template: str) -> Iterator[str]:
    name = f"cronicorn_test_{uuid4().hex}"
    _administer(
        server_url,
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        ),
    )
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(
            server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _administer(url: str, statement: sql.Composed) -> None:
    """Run a statement from elsewhere: a database to which one is connected cannot be copied."""
    at = make_url(url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(at.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement)


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
