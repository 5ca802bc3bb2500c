"""Plans: the SQL that would run, up or down, of which nothing is applied."""

import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from cronicorn_adapter_sql.database_url import SqliteDatabase, parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.drift import find_drift
from cronicorn_adapter_sql.migrating.planning import plan, plan_of_new_sqlite
from cronicorn_adapter_sql.migrating.runner import downgrade, upgrade
from cronicorn_adapter_sql.migrating.standing import current, table_names
from cronicorn_adapter_sql.migrating.tree import OUR_TREE, read_tree
from cronicorn_adapter_sql.testing.throwaway_postgres import find_programs
from cronicorn_domain.errors import InvalidInput, StoreRefused
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

REVISIONS = [script.revision for script in read_tree(OUR_TREE).line]


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine over a database without tables, on either dialect in turn."""
    async with open_engine(parse_database_url(empty_database_url)) as engine:
        yield engine


def run_script(url: str, script: str) -> bool:
    """
    Do what an operator does: give the script to the database's own shell; say if all of it ran.

    Both shells go on after an error, unless a script says that they are not to.
    """
    match parse_database_url(url):
        case SqliteDatabase(path=path):
            return run_in_sqlite3(path, script)
        case _:
            shell = [str(find_programs() / "psql"), "--no-psqlrc", "--quiet", url]
            return subprocess.run(shell, input=script, text=True, check=False).returncode == 0


def run_in_sqlite3(path: Path, script: str) -> bool:
    """Do what SQLite's shell does with a script, which need not be installed."""
    well, bail, waits = True, False, 0.0
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        statement = ""
        for line in script.splitlines(keepends=True):
            if line.startswith(".") and not statement.strip():
                name, value = line.removeprefix(".").split()
                bail, waits = bail or (name, value) == ("bail", "on"), float(value == "2000")
                assert (name, value) in {("bail", "on"), ("timeout", "2000")}
                continue
            statement += line
            if not sqlite3.complete_statement(statement):
                continue
            try:
                connection.execute(statement)
            except sqlite3.Error:
                well = False
            if bail and not well:
                break
            statement = ""
    return well and bool(waits)


async def test_nothing_is_applied(empty: AsyncEngine) -> None:
    """A plan of everything leaves an empty database empty, and a full one full."""
    up = await plan(empty)
    assert (await current(empty), await table_names(empty)) == (None, frozenset())
    await upgrade(empty)
    tables = await table_names(empty)
    down = await plan(empty, target="base")

    assert [step.revision for step in up.steps] == REVISIONS
    assert [step.revision for step in down.steps] == REVISIONS[::-1]
    assert (up.undone, down.undone) == (False, True)
    assert "CREATE TABLE endpoints" in up.script
    assert "DROP TABLE endpoints" in down.script
    assert (await current(empty), await table_names(empty)) == (REVISIONS[-1], tables)


async def test_the_script_does_what_the_verb_does(
    empty: AsyncEngine, empty_database_url: str
) -> None:
    """Run by the database's own shell, it leaves what the migrations leave, up and down."""
    assert run_script(empty_database_url, (await plan(empty)).script)
    assert await current(empty) == REVISIONS[-1]
    assert await find_drift(empty) == ()

    for _ in REVISIONS:
        assert run_script(empty_database_url, (await plan(empty, target="-1")).script)
    assert (await current(empty), await table_names(empty)) == (None, frozenset())


async def test_a_script_that_fails_half_way_leaves_nothing(
    empty: AsyncEngine, empty_database_url: str
) -> None:
    """The shell stops at the first error, and what ran before it is undone; then all may run."""
    script = (await plan(empty)).script
    broken = script.replace("CREATE TABLE workers (", "CREATE TABLE workers workers (")

    assert broken != script
    assert not run_script(empty_database_url, broken)
    assert (await current(empty), await table_names(empty)) == (None, frozenset())
    assert run_script(empty_database_url, script)


async def test_a_script_for_another_place_changes_nothing(
    empty: AsyncEngine, empty_database_url: str
) -> None:
    """A script is refused by a database that has been brought elsewhere since, and back again."""
    up = (await plan(empty)).script
    await upgrade(empty)
    down = (await plan(empty, target="base")).script
    tables = await table_names(empty)

    assert not run_script(empty_database_url, up)
    assert await table_names(empty) == tables
    await downgrade(empty, target="base")
    assert not run_script(empty_database_url, down)
    assert run_script(empty_database_url, (await plan(empty)).script)
    assert await table_names(empty) == tables


async def test_where_the_database_is_nothing_is_planned(empty: AsyncEngine) -> None:
    """There is no script where there is nothing to do."""
    await upgrade(empty)

    planned = await plan(empty)

    assert (planned.steps, planned.script) == ((), "")


async def test_a_plan_for_postgresql_is_alone_and_short_of_locks(
    empty_postgres_database: str,
) -> None:
    """The script takes the same lock as the verb, and waits as shortly for others."""
    async with open_engine(parse_database_url(empty_postgres_database)) as engine:
        script = (await plan(engine)).script

    assert script.index("pg_try_advisory_lock") < script.index("lock_timeout = '2000ms'")
    assert script.index("lock_timeout = '2000ms'") < script.index("BEGIN;")


async def test_a_plan_for_sqlite_keeps_the_rows_of_rebuilt_tables() -> None:
    """Foreign keys are off before the transaction begins, as the verb has them."""
    script = (await plan_of_new_sqlite()).script

    assert script.index("PRAGMA foreign_keys=OFF;") < script.index("BEGIN IMMEDIATE;")


async def test_a_plan_for_sqlite_leaves_no_row_that_refers_to_nothing(
    empty_sqlite_database: str,
) -> None:
    """What the verb looks for before it commits, the script looks for, too."""
    script = (await plan_of_new_sqlite()).script
    child = "CREATE TABLE children (tenant REFERENCES tenants (id));"
    dangling = f"{child} INSERT INTO children VALUES ('nobody'); CREATE TEMP TABLE"

    assert not run_script(
        empty_sqlite_database, script.replace("CREATE TEMP TABLE", dangling).replace("; ", ";\n")
    )
    assert run_script(empty_sqlite_database, script)


async def test_what_an_upgrade_would_refuse_a_plan_refuses(empty: AsyncEngine) -> None:
    """The tables of another program, and targets that are none."""
    with pytest.raises(InvalidInput, match="there is no such revision"):
        await plan(empty, target="nowhere")
    async with empty.begin() as connection:
        await connection.execute(text("CREATE TABLE jobs (name TEXT)"))
    with pytest.raises(StoreRefused, match="another program's"):
        await plan(empty)
