"""Where a database stands: its revision, its tables, and whether our code may work with it."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from alembic.runtime.migration import MigrationContext
from cronicorn_domain.errors import SchemaMismatch, StoreRefused
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

import cronicorn_adapter_sql.tables  # noqa: F401  it brings the tables into the metadata
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.engine import read_only
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.migrating.tree import BASE, OUR_TREE, read_tree

VERSION_TABLE: Final = "alembic_version"

_TABLES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
    " AND NOT relispartition AND relnamespace = current_schema()::regnamespace",
}


_PARTS: Final = {
    "sqlite": "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c"
    " WHERE t.type = 'table' UNION ALL"
    " SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT relname, attname FROM pg_class"
    " JOIN pg_attribute ON attrelid = pg_class.oid WHERE relkind IN ('r', 'p')"
    " AND relnamespace = current_schema()::regnamespace"
    " AND attnum > 0 AND NOT attisdropped UNION ALL"
    " SELECT t.relname, i.relname FROM pg_index"
    " JOIN pg_class AS t ON t.oid = indrelid JOIN pg_class AS i ON i.oid = indexrelid"
    " WHERE t.relnamespace = current_schema()::regnamespace",
}
_NAMED_MOST: Final = 3


async def current(engine: AsyncEngine) -> str | None:
    """Return the revision that the database is at; None if it has no tables of ours."""
    with translated():
        async with read_only(engine).connect() as connection:
            heads = await connection.run_sync(_heads)
    return ", ".join(heads) or None


async def table_names(engine: AsyncEngine) -> frozenset[str]:
    """Return the names of our tables that there are; the partitions of one are not counted."""
    with translated():
        async with read_only(engine).connect() as connection:
            names = await connection.execute(text(_TABLES[engine.dialect.name]))
            return frozenset(names.scalars()) - {VERSION_TABLE}


async def require_head(engine: AsyncEngine, *, tree: str = OUR_TREE) -> None:
    """
    Refuse a database whose schema is not the one this code was written for.

    Raises:
        SchemaMismatch: it is older, newer, or empty; the message says what to run.
    """
    migrations = read_tree(tree)
    found, expected = await current(engine), migrations.head or BASE
    migrations.refuse_unknown(found)
    if found == expected or (found is None and expected == BASE):
        return
    state = "has no tables yet" if found is None else f"is at the older revision {found}"
    raise SchemaMismatch(
        f"the database {state}, and this version needs {expected}: run `cronicorn-db upgrade`",
        found=found,
        expected=expected,
    )


async def refuse_lacking(engine: AsyncEngine) -> None:
    """
    Refuse a database at the newest revision that lacks a table, column or index of the code.

    It is one look at the catalog, for which no right is needed, so that whoever starts can have it;
    ``find_drift`` finds all else that differs, too.

    Raises:
        StoreRefused: something is missing; the message says what, and what to run.
    """
    with translated():
        async with read_only(engine).connect() as connection:
            found = {
                tuple(row) for row in await connection.execute(text(_PARTS[engine.dialect.name]))
            }
    lacking = [*_lacking(found)]
    if not lacking:
        return
    more = f" and {len(lacking) - _NAMED_MOST} more" if len(lacking) > _NAMED_MOST else ""
    raise StoreRefused(
        f"{name_of(engine)} is at the newest revision, and lacks {', '.join(lacking[:_NAMED_MOST])}"
        f"{more}: somebody changed it by hand, or it was made by a version that was never"
        " released. `cronicorn-db check` lists what differs: undo that, restore a backup, or name"
        " another database"
    )


def _lacking(found: AbstractSet[tuple[str, str]]) -> Iterator[str]:
    """Name what the code needs and nobody found; of a table that is missing only itself."""
    tables = {table for table, _ in found}
    for table in metadata.sorted_tables:
        if table.name not in tables:
            yield f"the table {table.name}"
            continue
        parts = [("column", column.name) for column in table.columns]
        parts += [("index", str(index.name)) for index in table.indexes]
        for kind, name in parts:
            if (table.name, name) not in found:
                yield f"the {kind} {name} of {table.name}"


async def refuse_tables_of_others(engine: AsyncEngine) -> None:
    """Refuse a database whose tables have our names, but were not made by our migrations."""
    in_the_way = sorted(await table_names(engine) & metadata.tables.keys())
    # Another process may have migrated since the revision was read.
    if in_the_way and await current(engine) is None:
        raise StoreRefused(
            f"{name_of(engine)} has a table {in_the_way[0]} already, and that is another program's:"
            " name another database"
        )


def name_of(engine: AsyncEngine) -> str:
    """Name a database without its password."""
    url = engine.url.set(drivername=engine.dialect.name, query={})
    return url.render_as_string(hide_password=True)


def _heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()
