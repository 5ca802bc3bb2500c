"""
Alembic's environment: one tree of migrations for PostgreSQL and SQLite.

Its attributes say what is wanted: ``connection``, an open one, with a ``journey`` to report to if
the database is to be migrated for good (its session is alone then), or inside a transaction of the
caller's (``rehearsal``); or for the SQL as text (offline) the name of a ``dialect``.
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
from cronicorn_adapter_sql.migrating.journey import Journey
from cronicorn_adapter_sql.pooler import behind_pooler


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
    "transactional_ddl": True,
    "render_item": render_item,
}


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = sorted({str(row[0]) for row in broken})
        raise StoreRefused(
            f"the migration was undone: rows of {', '.join(tables)} would refer to nothing"
        )


def _migrate(connection: Connection, journey: Journey) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    pooled = behind_pooler(connection)
    # On SQLite one transaction over all steps keeps out those who start at the same time; on
    # PostgreSQL the lock does, and a step may leave its transaction to build an index. Behind a
    # pooler the lock lives as long as the transaction.
    all_in_one = on_sqlite or pooled

    def arrive(
        ctx: MigrationContext,  # noqa: ARG001  Alembic passes all of them by these names
        step: MigrationInfo,  # noqa: ARG001
        heads: Collection[str],  # noqa: ARG001
        run_args: Mapping[str, object],  # noqa: ARG001
    ) -> None:
        journey.arrive()

    context.configure(
        connection=connection,
        render_as_batch=on_sqlite,
        transaction_per_migration=not all_in_one,
        on_version_apply=arrive,
        **_COMMON,
    )
    with context.begin_transaction():
        if all_in_one:
            journey.done.clear()  # what an earlier try has done was undone with it
        journey.depart(context.get_context().get_current_revision())
        context.run_migrations()
        if on_sqlite:
            _check_foreign_keys(connection)
    if pooled:
        connection.commit()


def _rehearse(connection: Connection) -> None:
    """Run inside the transaction of the caller, who will undo it."""
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(connection=connection, render_as_batch=on_sqlite, **_COMMON)
    with context.begin_transaction():
        context.run_migrations()


def _write_sql(dialect: str) -> None:
    context.configure(
        dialect_name=dialect,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        transaction_per_migration=True,
        **_COMMON,
    )
    with context.begin_transaction():
        context.run_migrations()


_wanted: Final = context.config.attributes
if context.is_offline_mode():
    _write_sql(_wanted["dialect"])
elif "journey" in _wanted:
    _migrate(_wanted["connection"], _wanted["journey"])
else:
    _rehearse(_wanted["connection"])
