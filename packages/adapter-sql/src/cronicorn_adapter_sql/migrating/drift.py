"""Drift: where a database differs from what the migrations made of it, in words."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from cronicorn_domain.errors import StoreRefused
from sqlalchemy import Connection, text
from sqlalchemy.exc import ArgumentError, InvalidRequestError, SAWarning
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.engine import reading_first
from cronicorn_adapter_sql.errors import first_line, translated
from cronicorn_adapter_sql.migrating.alone import alone_in_process
from cronicorn_adapter_sql.migrating.catalog import Catalog, Part, read_catalog
from cronicorn_adapter_sql.migrating.scratch import expected_catalog
from cronicorn_adapter_sql.migrating.standing import (
    VERSION_TABLE,
    current,
    name_of,
    refuse_tables_of_others,
)
from cronicorn_adapter_sql.migrating.tree import OUR_TREE, Tree, read_tree

_NAMED_MOST: Final = 3
_SHORTLY: Final = "SET LOCAL lock_timeout = '2s'"
"""Whoever holds a table for itself keeps its catalog, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    A part that is not as it should be.

    ``ours``: it belongs to a table that our migrations make. What stands beside them does not.
    """

    part: Part
    words: str
    ours: bool = True

    def __str__(self) -> str:
        """Say what is different."""
        return f"{self.part} {self.words}"


async def find_drift(engine: AsyncEngine, *, tree: str = OUR_TREE) -> tuple[Difference, ...]:
    """
    Compare a database with the migrations up to its revision, and then with the tables of the code.

    Nothing is written: on PostgreSQL the migrations are tried in a transaction that is rolled back.

    Raises:
        SchemaMismatch: the database is at a revision that this code does not know.
        StoreRefused: this role may not make a schema to compare with, or the tables are another
            program's.
    """
    migrations = read_tree(tree)
    found, differences = await _revision_with_drift(engine, migrations)
    if found is None or found != migrations.head or tree != OUR_TREE:
        return differences
    return (*differences, *await _against_code(engine, {each.part for each in differences}))


async def refuse_drift(engine: AsyncEngine, tree: Tree, *, verb: str) -> None:
    """Raise ``StoreRefused`` where tables are not as the migrations made them; ``verb`` insists."""
    found, differences = await _revision_with_drift(engine, tree)
    drift = [each for each in differences if each.ours]
    if not drift:
        return
    more = f" and {len(drift) - _NAMED_MOST} more" if len(drift) > _NAMED_MOST else ""
    raise StoreRefused(
        f"the tables of {name_of(engine)} are not as revision {found} made them:"
        f" {'; '.join(map(str, drift[:_NAMED_MOST]))}{more}. Nothing was migrated. Undo what"
        " `cronicorn-db check` lists, or go on in spite of it with"
        f" `cronicorn-db {verb} --despite-drift`"
    )


def compared(expected: Catalog, found: Catalog) -> Iterator[Difference]:
    """Tell the parts that are missing, different, or not expected, in the order of their tables."""
    ours = {part.table for part in expected}
    for part in sorted({*expected, *found}):
        whole = Part(part.table, "table", part.table)
        if part not in found:
            if part == whole or whole in found or whole not in expected:
                yield Difference(part=part, words=f"is missing; it should be: {expected[part]}")
        elif part not in expected:
            if part == whole or whole in expected or whole not in found:
                known = part.table in ours
                yield Difference(part=part, words=f"is not ours: {found[part]}", ours=known)
        elif expected[part] != found[part]:
            words = f"is {found[part]!r} and should be {expected[part]!r}"
            yield Difference(part=part, words=words)


async def _revision_with_drift(
    engine: AsyncEngine, tree: Tree
) -> tuple[str | None, tuple[Difference, ...]]:
    """
    Return the revision, and what differs from what the migrations up to it have made.

    Looks again where another process has migrated meanwhile: what was read then is of before and
    of after.
    """
    found = await current(engine)
    while True:
        tree.refuse_unknown(found)
        if found is None:
            await refuse_tables_of_others(engine)
        differences = await _against_migrations(engine, tree, found)
        before, found = found, await current(engine)
        if found == before:
            return found, differences


async def _against_migrations(
    engine: AsyncEngine, tree: Tree, found: str | None
) -> tuple[Difference, ...]:
    def work(connection: Connection) -> tuple[Difference, ...]:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_SHORTLY)
        live = read_catalog(connection)
        return tuple(compared(expected_catalog(connection, tree, found), live))

    with translated():
        async with alone_in_process(), reading_first(engine).connect() as connection:
            try:
                return await connection.run_sync(work)
            finally:
                await connection.rollback()


async def _against_code(engine: AsyncEngine, told: set[Part]) -> tuple[Difference, ...]:
    """Compare with the tables that the code declares, but for what was told already."""
    async with alone_in_process():
        with translated():
            async with reading_first(engine).connect() as connection:
                found = await connection.run_sync(_model_differences)
    named = {(part.table, part.name) for part in told}
    tables = {part.table for part in told if part.kind == "table"}
    return tuple(
        each
        for each in found
        if (each.part.table, each.part.name) not in named and each.part.table not in tables
    )


_PARTITIONS: Final = "SELECT relname FROM pg_class WHERE relispartition"


def _model_differences(connection: Connection) -> list[Difference]:
    on_postgres = connection.dialect.name == "postgresql"
    parts = connection.execute(text(_PARTITIONS)).scalars() if on_postgres else ()
    apart = {VERSION_TABLE, *parts}

    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, *_: name not in apart,
    }
    context = MigrationContext.configure(connection, opts=options)
    try:
        with warnings.catch_warnings():
            # What SQLAlchemy knows nothing of, as a check NOT VALID, the catalogs tell of; and
            # of an index of an expression on SQLite, which Alembic cannot compare.
            warnings.simplefilter("ignore", SAWarning)
            warnings.filterwarnings("ignore", ".*expression-based index")
            changes = compare_metadata(context, metadata)
    except (InvalidRequestError, ArgumentError) as error:
        # SQLite keeps tables that refer to what is not there, and SQLAlchemy reads none of those.
        words = f"cannot be compared with the code: {first_line(error)}"
        return [Difference(part=Part("", "schema", ""), words=words)]
    return [_in_words(change) for change in _flat(changes)]


def _flat(changes: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for change in changes:
        yield from change if isinstance(change, list) else [change]


def _in_words(change: tuple[Any, ...]) -> Difference:
    """Describe one of Alembic's operations, which would make the database like the code."""
    verb, *rest = change
    match verb.split("_", 1), rest:
        case ["modify", what], [_, table, column, _, found, wanted]:
            part = Part(table, "column", column)
            return Difference(part=part, words=f"has {what} {found!r}, and the code {wanted!r}")
        case [way, "column"], [_, table, column]:
            return _one_sided(way, Part(table, "column", column.name))
        case [way, "table"], [table]:
            return _one_sided(way, Part(table.name, "table", table.name))
        case [way, kind], [thing, *_]:
            return _one_sided(way, Part(thing.table.name, kind, str(thing.name)))
        case _:
            return Difference(part=Part("", "schema", ""), words=f"differs: {change}")


def _one_sided(way: str, part: Part) -> Difference:
    words = "is declared by the code, and missing" if way == "add" else "is not in the code"
    return Difference(part=part, words=words)
