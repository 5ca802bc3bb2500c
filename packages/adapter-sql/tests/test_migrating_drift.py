"""Drift: what somebody changed by hand is told, in words, and kept from being migrated over."""

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.history_room import SqlHistoryRoom
from cronicorn_adapter_sql.migrating.drift import find_drift
from cronicorn_adapter_sql.migrating.planning import plan
from cronicorn_adapter_sql.migrating.runner import downgrade, upgrade
from cronicorn_adapter_sql.migrating.standing import current, table_names
from cronicorn_adapter_sql.testing.rows import GOOD, NOON, write
from cronicorn_domain.errors import SchemaMismatch, StoreRefused
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

CHANGES: Final = {
    "column added": (
        "ALTER TABLE jobs ADD COLUMN color TEXT",
        "the column color of jobs is not ours",
    ),
    "column dropped": (
        "ALTER TABLE jobs DROP COLUMN description",
        "the column description of jobs is missing",
    ),
    "table added": ("CREATE TABLE stray (id INTEGER)", "the table stray is not ours"),
    "table dropped": ("DROP TABLE rate_limits", "the table rate_limits is missing"),
    "index added": (
        "CREATE INDEX mine ON jobs (state)",
        "the index mine of jobs is not ours",
    ),
    "index dropped": ("DROP INDEX ix_leases_until", "the index ix_leases_until of leases is miss"),
    "condition of an index gone": (
        (
            "DROP INDEX uq_jobs_tenant_name;"
            "CREATE UNIQUE INDEX uq_jobs_tenant_name ON jobs (tenant, name)"
        ),
        "the index uq_jobs_tenant_name of jobs is ",
    ),
}
ON_POSTGRES: Final = {
    "type changed": (
        "ALTER TABLE workers ALTER COLUMN concurrency TYPE bigint",
        "the column concurrency of workers is 'bigint not null' and should be 'integer not null'",
    ),
    "default given": (
        "ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'active'",
        "the column state of jobs is",
    ),
    "null allowed": ("ALTER TABLE jobs ALTER COLUMN name DROP NOT NULL", "the column name of jobs"),
    "check dropped": (
        "ALTER TABLE jobs DROP CONSTRAINT ck_jobs_state_known",
        "the check ck_jobs_state_known of jobs is missing",
    ),
    "check changed": (
        (
            "ALTER TABLE workers DROP CONSTRAINT ck_workers_concurrency_allows_one;"
            "ALTER TABLE workers ADD CONSTRAINT ck_workers_concurrency_allows_one"
            " CHECK (concurrency >= 0)"
        ),
        "the check ck_workers_concurrency_allows_one of workers is 'CHECK ((concurrency >= 0))'",
    ),
    "primary key dropped": (
        "ALTER TABLE due DROP CONSTRAINT pk_due",
        "the primary key pk_due of due is missing",
    ),
    "unique dropped": (
        "ALTER TABLE api_keys DROP CONSTRAINT uq_api_keys_sha256",
        "the unique constraint uq_api_keys_sha256 of api_keys is missing",
    ),
    "foreign key changed": (
        (
            "ALTER TABLE endpoint_state DROP CONSTRAINT fk_endpoint_state_endpoint_id;"
            "ALTER TABLE endpoint_state ADD CONSTRAINT fk_endpoint_state_endpoint_id"
            " FOREIGN KEY (endpoint_id) REFERENCES endpoints (id)"
        ),
        "the foreign key fk_endpoint_state_endpoint_id of endpoint_state is",
    ),
    "foreign key left switched off by a restore of rows alone": (
        "ALTER TABLE analyses DISABLE TRIGGER ALL",
        "the foreign key fk_analyses_endpoint_id of analyses is",
    ),
    "check that is not held against old rows": (
        "ALTER TABLE workers ADD CONSTRAINT mine CHECK (concurrency >= 0) NOT VALID",
        "the check mine of workers is not ours: CHECK ((concurrency >= 0)) NOT VALID",
    ),
    "trigger added": (
        (
            "CREATE TRIGGER slow BEFORE UPDATE ON runs FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
        "the trigger slow of runs is not ours",
    ),
    "unlogged": ("ALTER TABLE due SET UNLOGGED", "the table due is 'ordinary, unlogged'"),
    "fill changed": (
        "ALTER TABLE roll_ups SET (fillfactor = 100)",
        "the table roll_ups is 'ordinary, fillfactor=100'",
    ),
    "net gone": ("DROP TABLE runs_default", "the table runs_default is missing"),
    "tokens may be used again": (
        "ALTER SEQUENCE leases_token_seq CYCLE",
        "the sequence leases_token_seq is",
    ),
}
ON_SQLITE: Final = {
    "check changed": (
        (
            "PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql ="
            " replace(sql, 'concurrency >= 1', 'concurrency >= 0') WHERE name = 'workers';"
            " PRAGMA writable_schema=OFF"
        ),
        "the check ck_workers_concurrency_allows_one of workers is 'CHECK (concurrency >= 0)'",
    ),
    "primary key changed": (
        (
            "PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql ="
            " replace(sql, 'PRIMARY KEY (name)', 'PRIMARY KEY (version)') WHERE name = 'workers';"
            " PRAGMA writable_schema=OFF"
        ),
        "the primary key pk_workers of workers is 'PRIMARY KEY (version)' and should be",
    ),
    "trigger added": (
        "CREATE TRIGGER slow AFTER UPDATE ON runs BEGIN SELECT 1; END",
        "the trigger slow of runs is not ours",
    ),
}


@pytest.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Give a migrated database of the test's own, on either dialect in turn."""
    async with open_engine(parse_database_url(empty_database_url)) as opened:
        await upgrade(opened)
        yield opened


async def change(engine: AsyncEngine, statements: str) -> None:
    """Do to a database what nobody should."""
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.exec_driver_sql(statements)
            return
        for each in statements.split(";") if "TRIGGER" not in statements else [statements]:
            await connection.exec_driver_sql(each)


async def told(engine: AsyncEngine) -> list[str]:
    """Say what differs."""
    return [str(each) for each in await find_drift(engine)]


async def test_what_the_migrations_made_is_no_drift(engine: AsyncEngine) -> None:
    """A migrated database has none, full or empty, and looking leaves nothing behind."""
    before = await table_names(engine)
    await write(engine, *GOOD.items())

    assert await told(engine) == []
    assert await table_names(engine) == before
    if engine.dialect.name == "postgresql":
        async with engine.connect() as connection:
            left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'cronicorn%'"
            assert (await connection.execute(text(left))).scalar_one() == 0


async def test_up_down_and_up_is_no_drift(engine: AsyncEngine) -> None:
    """A database that went all the way down and up again is as one that went up once."""
    await downgrade(engine, target="base")
    assert await told(engine) == []
    await upgrade(engine)

    assert await told(engine) == []


def counts(differences: list[str], changes: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """Count for each change the differences that tell of it."""
    return {
        case: sum(words in each for each in differences) for case, (_, words) in changes.items()
    }


async def test_a_change_by_hand_is_told(engine: AsyncEngine) -> None:
    """Whatever was added, dropped or changed is named once, with its table, and nothing else is."""
    for statements, _ in CHANGES.values():
        await change(engine, statements)

    differences = await told(engine)

    assert counts(differences, CHANGES) == dict.fromkeys(CHANGES, 1), differences
    assert len(differences) == len(CHANGES)


async def test_what_only_postgresql_has_is_told(empty_postgres_database: str) -> None:
    """Checks, keys, conditions, triggers and more, of which Alembic's comparison sees a part."""
    async with open_engine(parse_database_url(empty_postgres_database)) as engine:
        await upgrade(engine)
        for statements, _ in ON_POSTGRES.values():
            await change(engine, statements)

        differences = await told(engine)

    assert counts(differences, ON_POSTGRES) == dict.fromkeys(ON_POSTGRES, 1), differences
    assert len(differences) == len(ON_POSTGRES)


async def test_what_is_changed_behind_sqlites_back_is_told(empty_sqlite_database: str) -> None:
    """Checks, keys and triggers of a SQLite file are compared as well."""
    async with open_engine(parse_database_url(empty_sqlite_database)) as engine:
        await upgrade(engine)
        for statements, _ in ON_SQLITE.values():
            await change(engine, statements)

    async with open_engine(parse_database_url(empty_sqlite_database)) as engine:
        differences = await told(engine)

    assert counts(differences, ON_SQLITE) == dict.fromkeys(ON_SQLITE, 1), differences
    assert len(differences) == len(ON_SQLITE)


async def test_partitions_of_days_are_no_drift(empty_postgres_database: str) -> None:
    """Workers make them and drop them; a table that only looks like one is told."""
    async with open_engine(parse_database_url(empty_postgres_database)) as engine:
        await upgrade(engine)
        await SqlHistoryRoom(engine).prepare(until=NOON + timedelta(days=2), now=NOON)
        assert await told(engine) == []

        await change(engine, "CREATE TABLE runs_20990101 (id int)")
        assert await told(engine) == ["the table runs_20990101 is not ours: ordinary"]


async def test_what_an_extension_brought_is_no_drift(empty_postgres_database: str) -> None:
    """Views and functions of extensions live in the same schema, and are not ours to judge."""
    async with open_engine(parse_database_url(empty_postgres_database)) as engine:
        await upgrade(engine)
        await change(engine, "CREATE EXTENSION pg_stat_statements")

        assert await told(engine) == []


async def test_a_database_of_a_newer_version_is_not_judged(engine: AsyncEngine) -> None:
    """Nobody here knows what its tables should be."""
    await change(engine, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaMismatch, match="a newer version made it"):
        await find_drift(engine)


DRIFTED: Final = "the index mine of jobs is not ours"


async def test_drift_is_not_migrated_over(engine: AsyncEngine) -> None:
    """Up or down, or only planned: it is refused with the reason and the remedy, until insisted."""
    await change(engine, CHANGES["index added"][0])
    at, tables = await current(engine), await table_names(engine)

    for migrate in (downgrade, plan):
        with pytest.raises(StoreRefused, match=f"(?s){DRIFTED}.*cronicorn-db check.*despite-drift"):
            await migrate(engine, target="base")
    assert (await current(engine), await table_names(engine)) == (at, tables)
    assert await upgrade(engine) == ()

    assert await downgrade(engine, target="base", despite_drift=True) != ()


async def test_tables_of_others_beside_ours_do_not_keep_us_from_migrating(
    engine: AsyncEngine,
) -> None:
    """Only drift of our own tables can get into the way of a migration."""
    await change(engine, CHANGES["table added"][0])

    assert await downgrade(engine, target="base") != ()


async def test_a_role_that_may_not_make_a_schema_is_told_what_to_grant(
    empty_postgres_database: str,
) -> None:
    """The comparison needs one for a moment; the message says how to allow it."""
    name = f"reader_{Path(empty_postgres_database).name}"
    async with open_engine(parse_database_url(empty_postgres_database)) as engine:
        await upgrade(engine)
        await change(engine, f"CREATE ROLE {name} LOGIN; GRANT SELECT ON alembic_version TO {name}")
        url = make_url(empty_postgres_database).set(username=name)
        reader = parse_database_url(url.render_as_string(hide_password=False))
        try:
            async with open_engine(reader) as limited:
                with pytest.raises(StoreRefused, match="GRANT CREATE ON DATABASE"):
                    await find_drift(limited)
        finally:
            await change(engine, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("ALTER TABLE jobs DROP COLUMN description", "lacks the column description of jobs:"),
        ("DROP INDEX ix_leases_until", "lacks the index ix_leases_until of leases:"),
        ("DROP TABLE workers", "lacks the table workers:"),
    ],
)
async def test_who_starts_is_told_what_is_missing(
    engine: AsyncEngine, statement: str, lacking: str
) -> None:
    """
    At the newest revision there is nothing to migrate, and yet the code would trip over it.

    An upgrade, which is what a worker begins with, names what is missing and what lists the rest;
    who knows better goes on.
    """
    await upgrade(engine)
    await change(engine, statement)

    with pytest.raises(StoreRefused, match="`cronicorn-db check` lists") as refused:
        await upgrade(engine)

    assert lacking in str(refused.value)
    assert await upgrade(engine, despite_drift=True) == ()


async def test_what_refers_to_nothing_is_told_in_words(empty_sqlite_database: str) -> None:
    """SQLite lets a table go that others refer to, one in its place and all: no traceback."""
    async with open_engine(parse_database_url(empty_sqlite_database)) as engine:
        await upgrade(engine)
        with closing(sqlite3.connect(make_url(empty_sqlite_database).database or "")) as file:
            file.executescript("DROP TABLE alerts; CREATE TABLE alerts (x)")

        differences = await told(engine)

    assert "the column id of alerts is missing; it should be: CHAR(32) NOT NULL" in differences
    assert any("the schema cannot be compared with the code" in each for each in differences)


async def test_the_remedy_names_the_verb(engine: AsyncEngine) -> None:
    """Who wants to go down is told how to go down in spite of the drift, not up."""
    await change(engine, "CREATE INDEX mine ON jobs (description)")

    with pytest.raises(StoreRefused, match="`cronicorn-db downgrade --despite-drift`"):
        await downgrade(engine, target="base")
    with pytest.raises(StoreRefused, match="`cronicorn-db plan --despite-drift`"):
        await plan(engine, target="base")
