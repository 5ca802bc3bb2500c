"""
What the migrations make of nothing: the catalog that a database at a revision should have.

It is computed each time, from the migrations themselves, on the very server that is asked about: so
there is no stored value to keep true, and the words are that server's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from alembic import command
from alembic.runtime.migration import MigrationContext
from cronicorn_domain.errors import StoreRefused
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import StaticPool

from cronicorn_adapter_sql.migrating.catalog import Catalog, read_catalog
from cronicorn_adapter_sql.migrating.tree import BASE, Tree


def expected_catalog(connection: Connection, tree: Tree, revision: str | None) -> Catalog:
    """
    Return the catalog of a database that was migrated to a revision, and touched by nobody since.

    On PostgreSQL a schema is made for it inside the connection's transaction, which the caller must
    roll back; on SQLite a database in memory.
    """
    if connection.dialect.name == "sqlite":
        with blank_sqlite() as blank:
            return _migrated(blank, tree, revision)
    _enter_scratch_schema(connection)
    return _migrated(connection, tree, revision)


@contextmanager
def blank_sqlite() -> Iterator[Connection]:
    """Open an empty database in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def rehearse(connection: Connection, tree: Tree, revision: str | None) -> None:
    """Migrate to a revision, whichever way it lies, inside the connection's transaction."""
    config = tree.config()
    config.attributes["connection"] = connection
    found = MigrationContext.configure(connection).get_current_revision()
    if tree.reaches_up(found=found, target=revision):
        command.upgrade(config, revision or BASE)
    else:
        command.downgrade(config, revision or BASE)


def _migrated(connection: Connection, tree: Tree, revision: str | None) -> Catalog:
    if revision is not None:
        rehearse(connection, tree, revision)
    return read_catalog(connection)


def _enter_scratch_schema(connection: Connection) -> None:
    schema = f"cronicorn_check_{token_hex(8)}"
    try:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != "42501":
            raise
        raise StoreRefused(
            "to compare the tables with the migrations, a schema is made in a transaction that is"
            " rolled back, and this role may not make one: GRANT CREATE ON DATABASE to it, or"
            " connect as the owner of the database"
        ) from error
    connection.exec_driver_sql(f"SET LOCAL search_path TO {schema}")
