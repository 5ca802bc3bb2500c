"""
PostgreSQL behind a pooler that may give each transaction another session, such as PgBouncer.

Nothing of ours may then rest on the session: no settings, no prepared statements, no LISTEN, no
lock that outlives its transaction. So each transaction brings its settings with its BEGIN, in one
round trip, statements that would be transactions of their own are no exception, and processes learn
of each other's changes by polling.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

BEHIND_POOLER: Final = "cronicorn_behind_pooler"
"""The execution option of an engine that has a pooler before it."""
MARK: Final = "cronicorn.session"
"""A setting that a session has if it is the one we asked for; PostgreSQL itself knows no such."""
_REFUSED: Final = "unsupported startup parameter"


def behind_pooler(engine: AsyncEngine | Connection) -> bool:
    """Say whether a session may be another one with each transaction."""
    return bool(engine.get_execution_options().get(BEHIND_POOLER, False))


def refuses_settings(error: DBAPIError) -> bool:
    """Say whether a pooler would not let a session have settings, as PgBouncer by default."""
    return _REFUSED in str(error.orig)


def bring_settings(engine: AsyncEngine, settings: Mapping[str, object]) -> None:
    """Have each transaction of an engine, whose driver begins none, begin with the settings."""
    chosen = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in settings.items())

    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("postgresql_readonly", False)
        connection.exec_driver_sql(f"BEGIN{' READ ONLY' if reads else ''}{chosen}")

    event.listen(engine.sync_engine, "begin", begin)
