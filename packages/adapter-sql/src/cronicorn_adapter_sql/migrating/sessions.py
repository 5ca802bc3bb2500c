"""What a session that migrates is set to, and how it is the only one."""

import asyncio
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.migrating.journey import Journey, Patience
from cronicorn_adapter_sql.pooler import behind_pooler

ADVISORY_KEY: Final = 0x43524F4E  # "CRON": any number would do that nobody else takes

LONG: Final = (
    "SET statement_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
)
"""A migration may run long."""
_LONG_HERE: Final = tuple(each.replace("SET", "SET LOCAL") for each in LONG)

_LOOK_AGAIN: Final = timedelta(milliseconds=200)
_ALONE_NOW: Final = f"SELECT pg_try_advisory_lock({ADVISORY_KEY})"
_ALONE_NOW_HERE: Final = f"SELECT pg_try_advisory_xact_lock({ADVISORY_KEY})"
ALONE: Final = f"""DO $$ BEGIN
  WHILE NOT pg_try_advisory_lock({ADVISORY_KEY}) LOOP
    COMMIT;
    PERFORM pg_sleep({_LOOK_AGAIN.total_seconds()});
  END LOOP;
END $$"""
"""Wait, in SQL, until nobody else migrates."""


def short_of_locks(patience: Patience) -> str:
    """Set how long a statement waits for a lock on PostgreSQL."""
    return f"SET lock_timeout = '{patience.lock // timedelta(milliseconds=1)}ms'"


async def be_alone(connection: AsyncConnection, journey: Journey) -> None:
    """
    Let one process migrate at a time; those that start together with it wait, then find it done.

    Who waits looks again and again, each time in a transaction that is over at once. One that stood
    open would keep the migration that it waits for from building an index beside the work of
    others (``CREATE INDEX CONCURRENTLY``), which in turn waits for all who may still see the past:
    each for the other. Behind a pooler it would take a place from those at work, too.
    """
    if connection.dialect.name == "sqlite":
        await connection.run_sync(_be_alone_on_sqlite, journey)
    elif await connection.run_sync(behind_pooler):
        await _be_alone_behind_pooler(connection, journey)
    else:
        await _be_alone_on_postgres(connection, journey)


async def _be_alone_on_postgres(connection: AsyncConnection, journey: Journey) -> None:
    """
    Take the lock, and settings that fit.

    It must not make the whole system queue up behind a lock it waits for. The lock and the settings
    belong to the session, which outlives the transactions of the single migrations and ends with
    the connection.
    """
    await _win(connection, journey, (*LONG, short_of_locks(journey.patience)), _ALONE_NOW)
    await connection.commit()


async def _be_alone_behind_pooler(connection: AsyncConnection, journey: Journey) -> None:
    """
    Do the same within the transaction of all steps, which is all that a pooler leaves together.

    It is open when this returns. A step that must leave the transaction needs a connection of its
    own to the server.
    """
    short = short_of_locks(journey.patience).replace("SET", "SET LOCAL")
    await _win(connection, journey, (*_LONG_HERE, short), _ALONE_NOW_HERE)


async def _win(
    connection: AsyncConnection, journey: Journey, settings: tuple[str, ...], lock: str
) -> None:
    """Begin transactions until one has the lock."""
    waited = False
    while True:
        for setting in settings:
            await connection.exec_driver_sql(setting)
        if (await connection.exec_driver_sql(lock)).scalar():
            return
        await connection.rollback()
        if not waited:
            journey.wait_for_others()
        waited = True
        await asyncio.sleep(_LOOK_AGAIN.total_seconds())


def _be_alone_on_sqlite(connection: Connection, journey: Journey) -> None:
    """
    Switch foreign keys off before the transaction begins.

    SQLite changes many things about a table by making a new one and dropping the old one, and with
    foreign keys on the drop would delete the rows that refer to it. The switch works outside of
    transactions only. The right to write keeps the others out.
    """
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.execute(f"PRAGMA busy_timeout={journey.patience.lock // timedelta(milliseconds=1)}")
    cursor.close()
