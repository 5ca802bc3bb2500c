"""
Alembic's environment: one tree of migrations for PostgreSQL and SQLite.

The migration runner gives an open connection in ``attributes["connection"]``, which it closes
afterwards, and a list in ``attributes["steps"]`` that takes what was done; or for SQL as text
(offline) the name of a dialect in ``attributes["dialect"]``.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext, MigrationInfo
from cronicorn_domain.errors import StoreRefused
from sqlalchemy import JSON, Connection
from sqlmodel.sql.sqltypes import AutoString

import cronicorn_adapter_sql.tables  # noqa: F401  it brings the tables into the metadata
from cronicorn_adapter_sql.column_types import UtcDateTime, metadata

_ADVISORY_KEY: Final = 0x43524F4E  # "CRON": any number would do that nobody else takes


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Let migrations name SQLAlchemy's plain types only: ours may change, a migration may not."""
    if kind != "type":
        return False
    match item:
        case UtcDateTime():
            return "sa.DateTime(timezone=True)"
        case AutoString():
            return f"sa.{item.impl_instance!r}"
        case JSON():
            autogen.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
            return 'sa.JSON().with_variant(JSONB(), "postgresql")'
        case _:
            return False


_COMMON: Final[dict[str, Any]] = {
    "target_metadata": metadata,
    "compare_type": True,
    "compare_server_default": True,
    "render_item": render_item,
}


def _be_alone_on_postgres(connection: Connection) -> None:
    """
    Let one process migrate at a time; those that start together with it wait, then find it done.

    A migration may run long, but must not make the whole system queue up behind a lock it waits
    for. The lock and the settings belong to the session, which outlives the transactions of the
    single migrations and ends with the connection.
    """
    connection.exec_driver_sql("SET statement_timeout = 0")
    connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
    connection.exec_driver_sql("SET lock_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_KEY})")
    connection.exec_driver_sql("SET lock_timeout = '10s'")
    connection.commit()


def _be_alone_on_sqlite(connection: Connection) -> None:
    """
    Switch foreign keys off before the transaction begins, and wait longer than usual for it.

    SQLite changes many things about a table by making a new one and dropping the old one, and with
    foreign keys on the drop would delete the rows that refer to it. The switch works outside of
    transactions only. The right to write keeps the others out.
    """
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.execute("PRAGMA busy_timeout=15000")
    cursor.close()


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = sorted({str(row[0]) for row in broken})
        raise StoreRefused(
            f"the migration was undone: rows of {', '.join(tables)} would refer to nothing"
        )


def _note_step(
    ctx: MigrationContext,  # noqa: ARG001  Alembic passes all of them by these names
    step: MigrationInfo,
    heads: Collection[str],  # noqa: ARG001
    run_args: Mapping[str, object],  # noqa: ARG001
) -> None:
    """Append a finished step to the list that the migration runner gave."""
    context.config.attributes["steps"].append(step)


def _migrate(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        _be_alone_on_sqlite(connection)
    else:
        _be_alone_on_postgres(connection)
    context.configure(
        connection=connection,
        render_as_batch=on_sqlite,
        transactional_ddl=True,
        # On SQLite one transaction over all steps keeps out those who start at the same time; on
        # PostgreSQL the lock does, and a step may leave its transaction to build an index.
        transaction_per_migration=not on_sqlite,
        on_version_apply=_note_step,
        **_COMMON,
    )
    with context.begin_transaction():
        context.run_migrations()
        if on_sqlite:
            _check_foreign_keys(connection)


def _write_sql(dialect: str) -> None:
    context.configure(
        dialect_name=dialect,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **_COMMON,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _write_sql(context.config.attributes["dialect"])
else:
    _migrate(context.config.attributes["connection"])
