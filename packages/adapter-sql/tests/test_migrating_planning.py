"""Plans: the SQL that would run, up or down, of which nothing is applied."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import psycopg
import pytest
from cronicorn_adapter_sql.database_url import SqliteDatabase, parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.drift import find_drift
from cronicorn_adapter_sql.migrating.planning import plan, plan_of_new_sqlite
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.migrating.standing import current, table_names
from cronicorn_adapter_sql.migrating.tree import OUR_TREE, read_tree
from cronicorn_domain.errors import InvalidInput, StoreRefused
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

REVISIONS = [script.revision for script in read_tree(OUR_TREE).line]


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine over a database without tables, on either dialect in turn."""
    async with open_engine(parse_database_url(empty_database_url)) as engine:
        yield engine


def run_script(url: str, script: str) -> None:
    """Do what an operator does: give the script to the database, without us."""
    match parse_database_url(url):
        case SqliteDatabase(path=path):
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(script)
        case _:
            with psycopg.connect(url, autocommit=True) as server:
                server.execute(script.encode())


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
    run_script(empty_database_url, (await plan(empty)).script)
    assert await current(empty) == REVISIONS[-1]
    assert await find_drift(empty) == ()

    for _ in REVISIONS:
        run_script(empty_database_url, (await plan(empty, target="-1")).script)
    assert (await current(empty), await table_names(empty)) == (None, frozenset())


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

    assert script.index("pg_advisory_lock") < script.index("lock_timeout = '2000ms'")
    assert script.index("lock_timeout = '2000ms'") < script.index("BEGIN")


async def test_a_plan_for_sqlite_keeps_the_rows_of_rebuilt_tables() -> None:
    """Foreign keys are off before the transaction begins, as the verb has them."""
    script = (await plan_of_new_sqlite()).script

    assert script.startswith("PRAGMA foreign_keys=OFF;\n\nBEGIN IMMEDIATE;")
    assert script.endswith("COMMIT;\n")


async def test_what_an_upgrade_would_refuse_a_plan_refuses(empty: AsyncEngine) -> None:
    """The tables of another program, and targets that are none."""
    with pytest.raises(InvalidInput, match="there is no such revision"):
        await plan(empty, target="nowhere")
    async with empty.begin() as connection:
        await connection.execute(text("CREATE TABLE jobs (name TEXT)"))
    with pytest.raises(StoreRefused, match="another program's"):
        await plan(empty)
