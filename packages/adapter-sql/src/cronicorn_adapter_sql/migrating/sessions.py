"""What a session that migrates is set to, and how it is the only one."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from cronicorn_adapter_sql.migrating.journey import Journey, Patience

ADVISORY_KEY: Final = 0x43524F4E  # "CRON": any number would do that nobody else takes

LONG: Final = (
    "SET statement_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
    "SET lock_timeout = 0",
)
"""A migration may run long, and wait for as long as another process is migrating."""
_LONG_HERE: Final = tuple(each.replace("SET", "SET LOCAL") for each in LONG)
ALONE: Final = f"SELECT pg_advisory_lock({ADVISORY_KEY})"
_ALONE_HERE: Final = f"SELECT pg_advisory_xact_lock({ADVISORY_KEY})"
_ALONE_NOW: Final = f"SELECT pg_try_advisory_lock({ADVISORY_KEY})"


def short_of_locks(patience: Patience) -> str:
    """Set how long a statement waits for a lock on PostgreSQL."""
    return f"SET lock_timeout = '{patience.lock // timedelta(milliseconds=1)}ms'"


def be_alone_on_postgres(connection: Connection, journey: Journey) -> None:
    """
    Let one process migrate at a time; those that start together with it wait, then find it done.

    It must not make the whole system queue up behind a lock it waits for. The lock and the settings
    belong to the session, which outlives the transactions of the single migrations and ends with
    the connection.
    """
    for setting in LONG:
        connection.exec_driver_sql(setting)
    if not connection.exec_driver_sql(_ALONE_NOW).scalar():
        journey.wait_for_others()
        connection.exec_driver_sql(ALONE)
    connection.exec_driver_sql(short_of_locks(journey.patience))
    connection.commit()


def be_alone_behind_pooler(connection: Connection, journey: Journey) -> None:
    """
    Do the same within the transaction of all steps, which is all that a pooler leaves together.

    A step that must leave the transaction needs a connection of its own to the server.
    """
    for setting in _LONG_HERE:
        connection.exec_driver_sql(setting)
    connection.exec_driver_sql(_ALONE_HERE)
    short = short_of_locks(journey.patience).replace("SET", "SET LOCAL")
    connection.exec_driver_sql(short)


def be_alone_on_sqlite(connection: Connection, journey: Journey) -> None:
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
