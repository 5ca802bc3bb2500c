"""A PostgreSQL server as one would run it: every commit is on disk when it returns."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from cronicorn_adapter_sql.testing.throwaway_postgres import started_postgres
from psycopg import sql

SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "shared_preload_libraries": "pg_stat_statements",
}
"""All else is as PostgreSQL ships it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs: the URL of its own database, and the process above all its others."""

    url: str
    pid: int
    version: str

    def database(self) -> AbstractContextManager[str]:
        """Create an empty database, give its URL, and drop it at the end of the block."""
        return database_on(self.url, prefix="bench")


@contextmanager
def database_on(url: str, *, prefix: str) -> Iterator[str]:
    """Create an empty database beside that of a URL, give its own, and drop it after the block."""
    name = f"{prefix}_{uuid4().hex}"
    _administer(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        _administer(url, drop)


def come_to_rest(url: str) -> None:
    """Do now what storing very much makes a server do within the next minutes."""
    with psycopg.connect(url, autocommit=True) as connection:
        for each in ("VACUUM (ANALYZE)", "CHECKPOINT"):
            connection.execute(each)


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server with its data where temporary files are, and stop it after the block."""
    with started_postgres(SETTINGS) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            postmaster = _parent(connection.info.backend_pid)
            version = connection.execute("SHOW server_version").fetchone()
            connection.execute("CREATE EXTENSION pg_stat_statements")
        assert version is not None
        yield Server(url=url, pid=postmaster, version=str(version[0]))


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/stat").read_text("utf-8")
    return int(status.rpartition(")")[2].split()[1])
