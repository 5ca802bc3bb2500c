"""Opens the engine of a database: pragmas, time limits, pools, and what a failure to open means."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, assert_never

import orjson
from cronicorn_domain.errors import StoreError, StoreRefused, StoreUnavailable
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from cronicorn_adapter_sql.database_url import DatabaseUrl, PostgresDatabase, SqliteDatabase
from cronicorn_adapter_sql.errors import READ_ONLY
from cronicorn_adapter_sql.pooler import (
    BEHIND_POOLER,
    MARK,
    behind_pooler,
    bring_settings,
    refuses_settings,
)
from cronicorn_adapter_sql.sqlite_file import make_ready
from cronicorn_adapter_sql.sqlite_trips import connecting

_BEGINS_READING: Final = "cronicorn_begins_reading"
_ISOLATION: Final = "isolation_level"
_EACH_ALONE: Final = "AUTOCOMMIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """
    How much an engine may take, and how long it waits.

    Attributes:
        connections: The most connections at once; a further one waits. On PostgreSQL one of them
            may listen all the time, and who claims, starts and settles keeps one for each.
        wait_for_connection: How long it waits.
        connect: How long one attempt to reach a server may last (PostgreSQL, whole seconds).
        statement: How long one statement may run (PostgreSQL).
        lock: How long a statement waits for a lock (PostgreSQL), or a transaction for the right to
            write (SQLite).
        idle_in_transaction: How long a transaction may wait for its own client (PostgreSQL).
    """

    connections: int = 8
    wait_for_connection: timedelta = timedelta(seconds=10)
    connect: timedelta = timedelta(seconds=5)
    statement: timedelta = timedelta(seconds=30)
    lock: timedelta = timedelta(seconds=5)
    idle_in_transaction: timedelta = timedelta(seconds=30)


DEFAULT_LIMITS: Final = EngineLimits()


@asynccontextmanager
async def open_engine(
    database: DatabaseUrl,
    *,
    limits: EngineLimits = DEFAULT_LIMITS,
    application_name: str = "cronicorn",
    create: bool = True,
    poll_only: bool = False,
) -> AsyncIterator[AsyncEngine]:
    """
    Open a database, prove that it answers, and close all connections at the end of the block.

    Where the settings of a session do not arrive there is a pooler before PostgreSQL, and the
    engine goes by it; ``poll_only`` says that there is one, should it let them through.

    Transactions write unless they come from ``read_only``. On SQLite a writing one begins by taking
    the right to write, so that it cannot fail half-way for the lack of it. A SQLite file that is
    not there is made, private to its owner, unless ``create`` is false.

    Raises:
        StoreUnavailable: it cannot be reached or is locked; trying again may help.
        StoreRefused: the file, the database or the role does not do. Either message names the
            database, without its password, and the remedy.
    """
    match database:
        case SqliteDatabase():
            await asyncio.to_thread(make_ready, database, wait=limits.lock, create=create)
            engine = _sqlite_engine(database, limits)
        case PostgresDatabase():
            engine = _postgres_engine(database, limits, application_name, pooled=poll_only)
        case _:
            assert_never(database)
    try:
        if isinstance(database, PostgresDatabase) and not await _keeps_sessions(engine, database):
            await engine.dispose()
            engine = _postgres_engine(database, limits, application_name, pooled=True)
        await _prove(engine, database)
        yield engine
    finally:
        await engine.dispose()


def read_only(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for transactions that only read; on SQLite they do not wait for writers."""
    return engine.execution_options(**{_BEGINS_READING: True, "postgresql_readonly": True})


def reading_first(engine: AsyncEngine) -> AsyncEngine:
    """
    Return the engine for transactions that may come to write, after ``begin_writing``.

    On PostgreSQL it is the engine as it is: there nobody waits for the right to write.
    """
    return engine.execution_options(**{_BEGINS_READING: True})


async def begin_writing(connection: AsyncConnection) -> None:
    """
    Take the right to write, before the first lock or write; a second time it does nothing.

    On SQLite the transaction that only read so far is given up for a new one. So what was read
    before may have changed since, as it may on PostgreSQL, where each statement sees the newest
    commits: what is decided about must be read after this.
    """
    if connection.dialect.name != "sqlite" or not _begins_reading(connection.sync_connection):
        return
    await connection.rollback()
    await connection.execution_options(**{_BEGINS_READING: False})
    await connection.begin()


def _begins_reading(connection: Connection | None) -> bool:
    return connection is not None and bool(
        connection.get_execution_options().get(_BEGINS_READING, False)
    )


def single_statements(engine: AsyncEngine) -> AsyncEngine:
    """
    Return the engine for statements that are a transaction each.

    On PostgreSQL this saves the round trips of BEGIN and COMMIT. On SQLite, where they cost next to
    nothing, it is the engine as it is, and so behind a pooler, where each transaction brings its
    settings. What writes has to commit as usual, which costs nothing where there is no need.
    """
    if engine.dialect.name == "sqlite" or behind_pooler(engine):
        return engine
    return engine.execution_options(**{_ISOLATION: _EACH_ALONE})


async def begin_whole(connection: AsyncConnection) -> None:
    """
    Begin one transaction for all that a connection does from now on, until it is closed.

    Over ``single_statements`` nothing would else outlive its statement. Where there is a
    transaction anyway, this does nothing.
    """
    below = connection.sync_connection
    if below is not None and below.get_execution_options().get(_ISOLATION) == _EACH_ALONE:
        await connection.exec_driver_sql("BEGIN READ ONLY")


def _sqlite_engine(database: SqliteDatabase, limits: EngineLimits) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(database.path)),
        async_creator=connecting(database.path, timeout=limits.lock.total_seconds()),
        **_common(limits),
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite_connection)
    event.listen(engine.sync_engine, "begin", _begin_on_sqlite)
    return engine


def _prepare_sqlite_connection(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Take transactions from the driver into our hands; make commits and foreign keys hold."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_on_sqlite(connection: Connection) -> None:
    """Take the right to write at once: one that began as a reader may be refused it later."""
    connection.exec_driver_sql(
        "BEGIN DEFERRED" if _begins_reading(connection) else "BEGIN IMMEDIATE"
    )


def _postgres_engine(
    database: PostgresDatabase, limits: EngineLimits, application_name: str, *, pooled: bool
) -> AsyncEngine:
    given = database.url.query
    connecting = {
        name: value
        for name, value in _connection_parameters(limits, application_name).items()
        if name not in given
    }
    settings = _session_settings(limits)
    if pooled:
        engine = create_async_engine(
            database.url,
            connect_args={**connecting, "prepare_threshold": None},
            isolation_level="AUTOCOMMIT",
            execution_options={BEHIND_POOLER: True},
            **_common(limits),
        )
        bring_settings(engine, settings)
    else:
        marked = " ".join(f"-c {name}={value}" for name, value in {**settings, MARK: "on"}.items())
        options = " ".join(filter(None, [marked, str(given.get("options", ""))]))
        engine = create_async_engine(
            database.url, connect_args={**connecting, "options": options}, **_common(limits)
        )
    event.listen(engine.sync_engine, "handle_error", _leave_a_standby)
    return engine


def _leave_a_standby(context: ExceptionContext) -> None:
    """After a failover the pool may hold connections to what is a standby now: connect anew."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _connection_parameters(limits: EngineLimits, application_name: str) -> dict[str, object]:
    """
    Give libpq's parameters for which the URL may have its own.

    The keepalives notice within half a minute that the network is gone; without them a wait for an
    answer could last for hours.
    """
    return {
        "application_name": application_name,
        "connect_timeout": max(2, round(limits.connect.total_seconds())),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }


def _session_settings(limits: EngineLimits) -> dict[str, object]:
    """Give the server's settings of a session; the URL's own come later and so win."""
    return {
        "timezone": "UTC",
        "search_path": "public",
        "statement_timeout": _milliseconds(limits.statement),
        "lock_timeout": _milliseconds(limits.lock),
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle_in_transaction),
        "jit": "off",  # our statements are short; compiling them would cost more than it saves
        # They find rows by an index, and few of them. A plan made while a table was small stays
        # with its prepared statement, and what else it chose would be slower each minute.
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "enable_bitmapscan": "off",
        "enable_sort": "off",  # what can come in the order of an index is not read whole for it
    }


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def _common(limits: EngineLimits) -> dict[str, Any]:
    """Give what both dialects share; parameters stay out of messages, since they may be secret."""
    return {
        "pool_size": limits.connections,
        "max_overflow": 0,
        "pool_timeout": limits.wait_for_connection.total_seconds(),
        "hide_parameters": True,
        "json_serializer": _json_text,
        "json_deserializer": orjson.loads,
    }


def _json_text(document: object) -> str:
    return orjson.dumps(document).decode()


async def _keeps_sessions(engine: AsyncEngine, database: PostgresDatabase) -> bool:
    """Say whether a session is as we set it; there is nothing to ask of one that was not set."""
    if behind_pooler(engine):
        return True
    try:
        async with read_only(engine).connect() as connection:
            found = await connection.execute(text(f"SELECT current_setting('{MARK}', true)"))
            mark: str | None = found.scalar_one()
            return mark == "on"
    except DBAPIError as error:
        if refuses_settings(error):
            return False
        raise _explained(error, database) from error


async def _prove(engine: AsyncEngine, database: DatabaseUrl) -> None:
    try:
        async with read_only(engine).connect() as connection:
            await connection.execute(text("SELECT 1"))
    except DBAPIError as error:
        raise _explained(error, database) from error


def _explained(error: DBAPIError, database: DatabaseUrl) -> StoreError:
    """
    Say why a server could not be reached, and what to do.

    Before a connection stands libpq tells no codes, so the words have to do. Those we do not know
    (a server may speak another language) are worth another try.
    """
    said = _LIBPQ_HINT.sub("", " ".join(str(error.orig).split()))
    for words, remedy in _REFUSALS.items():
        if re.search(words, said):
            return StoreRefused(f"cannot open {database}: {said}; {remedy}")
    return StoreUnavailable(
        f"cannot reach {database}: {said}; see that the server runs, and that"
        " host and port are right"
    )


_LIBPQ_HINT: Final = re.compile(r" Is the server running[^?]*\?")
_CREDENTIALS = "check the user and the password in the database URL"
_REFUSALS: Final = {
    "password authentication failed": _CREDENTIALS,
    "no password supplied": _CREDENTIALS,
    'role "[^"]*" ': "create the role with LOGIN, or name another user in the database URL",
    r"pg_hba\.conf": "let the server accept this user from here (its pg_hba.conf)",
    "permission denied": "grant the user the right to connect",
    'database "[^"]*" does': "make it with `createdb NAME`, or name another one in the URL",
    "invalid connection option": "take the parameter out of the database URL",
    "server does not support SSL": "take sslmode out of the database URL, or give it TLS",
    "certificate verify failed|root certificate file": "see to the certificates, or to sslmode",
    "invalid sslmode value": "see to sslmode in the database URL",
    "received invalid response to|expected authentication request": (
        "there is something else than PostgreSQL at this host and port: see to the URL"
    ),
}
