"""Makes a SQLite file ready: there, private to its owner, a database, and in WAL mode."""

import os
import sqlite3
import time
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from cronicorn_domain.errors import StoreRefused, StoreUnavailable

from cronicorn_adapter_sql.database_url import SqliteDatabase

VERSION_TABLE: Final = "alembic_version"
_OURS: Final = "endpoints"
_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
_NAMED_MOST: Final = 3
_BETWEEN_TRIES: Final = 0.01


def make_ready(database: SqliteDatabase, *, wait: timedelta, create: bool) -> None:
    """
    See that the file is a database in WAL mode; it blocks for ``wait`` at most.

    A new file has the mode 0600, and SQLite gives the same to the ``-wal`` and ``-shm`` beside it.
    The WAL mode stays with the file. It is set here, on one connection and with patience, since
    SQLite does not wait by itself when several processes set it on a new file at once.

    Raises:
        StoreUnavailable: another process holds it locked.
        StoreRefused: it is no database, another program's, or cannot be made, read or written where
            it is. The file is as it was.
    """
    try:
        _see_to_file(database, create=create)
        with closing(sqlite3.connect(database.path, timeout=wait.total_seconds())) as connection:
            if _is_ours_or_nobodys(connection, database):
                until = time.monotonic() + wait.total_seconds()
                _set_wal(connection, until=until, database=database)
    except OSError as error:
        raise StoreRefused(f"cannot open {database}: {error.strerror}; {_REMEDY}") from error
    except sqlite3.Error as error:
        raise _explained(error, database) from error


_REMEDY = "check the path, its rights and the space on its disk"


def _see_to_file(database: SqliteDatabase, *, create: bool) -> None:
    path: Path = database.path
    if not path.parent.is_dir():
        raise StoreRefused(f"cannot open {database}: make the folder {path.parent} first")
    if path.is_dir():
        raise StoreRefused(f"cannot open {database}: it is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise StoreRefused(f"cannot open {database}: it is no ordinary file; name another one")
    if create:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _refuse_read_only(database)
    elif not path.exists():
        raise StoreRefused(
            f"there is no database {database}: check the path, or make it with"
            " `cronicorn-db upgrade`"
        )


def _refuse_read_only(database: SqliteDatabase) -> None:
    """Refuse what cannot be written now: nobody gives the right while a worker waits for it."""
    for place in (database.path, database.path.parent):
        if not os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise StoreRefused(
                f"cannot write {database}: give this user the right to write {place},"
                " or name another file"
            )


def _is_ours_or_nobodys(connection: sqlite3.Connection, database: SqliteDatabase) -> bool:
    """Say whether we may change the file; false: the migrations have to judge its revision."""
    names = {name for (name,) in connection.execute(_TABLES)}
    if names and VERSION_TABLE not in names:
        some = ", ".join(sorted(names)[:_NAMED_MOST])
        raise StoreRefused(
            f"{database} is the database of another program, with the tables {some}"
            f"{', …' if len(names) > _NAMED_MOST else ''}: name another file"
        )
    return not names or _OURS in names


def _set_wal(connection: sqlite3.Connection, *, until: float, database: SqliteDatabase) -> None:
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_BETWEEN_TRIES)
            continue
        if mode != "wal":
            raise StoreRefused(
                f"cannot use {database}: its file system lacks the shared memory that the WAL mode"
                " needs; move the file to a local disk"
            )
        return


def _explained(error: sqlite3.Error, database: SqliteDatabase) -> StoreRefused | StoreUnavailable:
    match getattr(error, "sqlite_errorcode", None):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnavailable(
                f"{database} is locked by another process: stop it, or wait until it is done"
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return StoreRefused(
                f"{database} is not a SQLite database: name another file, or restore it"
                " from a backup"
            )
        case _:
            return StoreRefused(f"cannot open {database}: {error}; {_REMEDY}")
