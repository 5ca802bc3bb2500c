"""Our own migrations: up, down and up on both dialects, and the tables they leave."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import downgrade, upgrade
from cronicorn_adapter_sql.migrating.standing import current, require_head, table_names
from cronicorn_adapter_sql.migrating.tree import BASE, HEAD, OUR_TREE
from cronicorn_adapter_sql.testing.databases import sqlite_url
from cronicorn_adapter_sql.testing.rows import GOOD, write
from cronicorn_domain.errors import SchemaMismatch
from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.engine import Inspector
from sqlalchemy.ext.asyncio import AsyncEngine


def scripts() -> ScriptDirectory:
    """Open the tree of our migrations."""
    config = Config()
    config.set_main_option("script_location", OUR_TREE)
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


REVISIONS: Final = [each.revision for each in reversed(list(scripts().walk_revisions()))]


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine over a database without tables, on either dialect in turn."""
    async with open_engine(parse_database_url(empty_database_url)) as opened:
        yield opened


@pytest.fixture
async def engine(empty: AsyncEngine) -> AsyncEngine:
    """Give a migrated database of the test's own, as these tests change what others would share."""
    await upgrade(empty)
    return empty


async def fill(engine: AsyncEngine) -> None:
    """Write a row into every table."""
    await write(engine, *GOOD.items())


async def counts(engine: AsyncEngine) -> dict[str, int]:
    """Count the rows of every table."""
    async with engine.connect() as connection:
        return {
            name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for name, table in metadata.tables.items()
        }


async def test_every_revision_goes_up_down_and_up_over_rows(engine: AsyncEngine) -> None:
    """From the newest schema, with rows in every table, all the way down and up again."""
    await fill(engine)

    for revision, below in zip(reversed(REVISIONS), [*REVISIONS[-2::-1], BASE], strict=True):
        assert await current(engine) == revision
        await downgrade(engine, target=below)
    assert await table_names(engine) == frozenset()
    for revision in REVISIONS:
        await upgrade(engine, target="+1")
        assert await current(engine) == revision

    await require_head(engine)
    await fill(engine)
    assert set((await counts(engine)).values()) == {1}


async def test_an_upgrade_of_the_newest_schema_keeps_every_row(engine: AsyncEngine) -> None:
    """Whoever upgrades once more finds nothing to do and loses nothing."""
    await fill(engine)

    assert await upgrade(engine, target=HEAD) == ()
    assert set((await counts(engine)).values()) == {1}


async def test_the_migrations_make_every_table(engine: AsyncEngine) -> None:
    """There are the tables of the code, and no others."""
    assert await table_names(engine) == frozenset(metadata.tables)


def differences(connection: Connection) -> list[Any]:
    """Compare a database with the code as Alembic does; partitions are PostgreSQL's own affair."""
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_object": lambda _, name, *__: not str(name).endswith("_default"),
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


@pytest.mark.filterwarnings("ignore:.*expression-based index")
async def test_the_newest_schema_is_the_codes(engine: AsyncEngine) -> None:
    """Alembic's comparison finds nothing that code and database differ in."""
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


INDEXES: Final = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes"
    " WHERE schemaname = 'public' AND tablename NOT LIKE '%\\_default'"
    " AND tablename <> 'alembic_version'",
}
"""How each dialect tells its indexes, each as the statement that would make it."""


def description(connection: Connection) -> dict[str, Any]:
    """Describe all tables as the database itself sees them, by names and in order of names."""
    inspector: Inspector = inspect(connection)
    described: dict[str, Any] = {}
    for table in metadata.tables:
        checks = inspector.get_check_constraints(table)
        described[f"{table} columns"] = {
            column["name"]: (str(column["type"]), column["nullable"], column["default"])
            for column in inspector.get_columns(table)
        }
        described[f"{table} key"] = inspector.get_pk_constraint(table)
        described[f"{table} checks"] = {each["name"]: each["sqltext"] for each in checks}
        for kind in ("unique_constraints", "foreign_keys"):
            found = getattr(inspector, f"get_{kind}")(table)
            described[f"{table} {kind}"] = sorted(map(repr, found))
    indexes = text(INDEXES[connection.dialect.name])
    described["indexes"] = sorted(map(tuple, connection.execute(indexes)))
    return described


async def describe_declared(engine: AsyncEngine) -> dict[str, Any]:
    """Make the tables as the code declares them, and describe them."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        return await connection.run_sync(description)


async def describe_migrated(engine: AsyncEngine) -> dict[str, Any]:
    """Describe the tables that the migrations made."""
    async with engine.connect() as connection:
        return await connection.run_sync(description)


async def test_checks_keys_and_indexes_are_the_codes_on_postgresql(
    postgres_database: str, empty_postgres_database: str
) -> None:
    """What Alembic does not compare is the same too: checks, keys, conditions of indexes."""
    async with (
        open_engine(parse_database_url(postgres_database)) as migrated,
        open_engine(parse_database_url(empty_postgres_database)) as declared,
    ):
        assert await describe_migrated(migrated) == await describe_declared(declared)


@pytest.mark.filterwarnings("ignore:.*expression-based index")
async def test_checks_keys_and_indexes_are_the_codes_on_sqlite(
    sqlite_database: str, tmp_path: Path
) -> None:
    """What Alembic does not compare is the same too: checks, keys, conditions of indexes."""
    declared_url = sqlite_url(tmp_path, "declared.db")
    async with (
        open_engine(parse_database_url(sqlite_database)) as migrated,
        open_engine(parse_database_url(declared_url)) as declared,
    ):
        assert await describe_migrated(migrated) == await describe_declared(declared)


async def test_tokens_are_never_used_again(engine: AsyncEngine) -> None:
    """Also a token that was the highest, and whose lease is gone, does not come back: trap T07."""
    lease = {name: value for name, value in GOOD["leases"].items() if name != "token"}
    tokens = []
    for _ in range(3):
        await write(engine, ("leases", lease))
        async with engine.begin() as connection:
            tokens.append((await connection.execute(text("SELECT token FROM leases"))).scalar_one())
            await connection.execute(text("DELETE FROM leases"))

    assert tokens == sorted(set(tokens))


async def test_a_database_of_a_newer_version_is_left_alone(engine: AsyncEngine) -> None:
    """It is neither worked with nor migrated, and the message says what to do."""
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaMismatch, match="a newer version made it"):
        await require_head(engine)
    with pytest.raises(SchemaMismatch, match="install that one"):
        await upgrade(engine)
    with pytest.raises(SchemaMismatch):
        await downgrade(engine, target="-1")
    assert await table_names(engine) == frozenset(metadata.tables)


async def test_a_database_without_tables_is_told_what_to_run(empty: AsyncEngine) -> None:
    """Nothing makes tables behind anybody's back."""
    with pytest.raises(SchemaMismatch, match="cronicorn-db upgrade"):
        await require_head(empty)


async def test_runs_are_partitioned_on_postgresql(postgres_database: str) -> None:
    """Runs and their bodies are partitioned by the slot, with a part for what no other takes."""
    parts = (
        "SELECT inhparent::regclass::text, inhrelid::regclass::text, partstrat"
        " FROM pg_inherits JOIN pg_partitioned_table ON partrelid = inhparent"
        " JOIN pg_class ON pg_class.oid = inhrelid WHERE relkind = 'r' ORDER BY 1"
    )
    async with (
        open_engine(parse_database_url(postgres_database)) as engine,
        engine.connect() as connection,
    ):
        found = [tuple(row) for row in await connection.execute(text(parts))]

    assert found == [("run_bodies", "run_bodies_default", "r"), ("runs", "runs_default", "r")]


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_says_what_why_and_for_whom(revision: str) -> None:
    """Its description is a sentence, what changes, why, and whether older code can run on it."""
    module = scripts().get_revision(revision).module
    described = module.__doc__ or ""
    title, *_ = described.strip().splitlines()

    assert title.endswith(".")
    for words in ("What changes:", "Why:", "Can code of the previous version still run on it:"):
        assert words in described


def test_revisions_follow_one_another() -> None:
    """There is one newest revision, and each has at most one before it."""
    assert len(scripts().get_heads()) == 1
    assert len(scripts().get_bases()) == 1
    assert len(REVISIONS) == len(set(REVISIONS))
