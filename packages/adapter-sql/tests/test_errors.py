"""What errors of the drivers mean to the domain."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import psycopg
import pytest
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import EngineLimits, open_engine
from cronicorn_adapter_sql.errors import translated
from cronicorn_domain.errors import NameTaken, StoreError, StoreRefused, StoreUnavailable
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    insert,
    text,
)
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine

SECRET = "s3cret"
TAKEN = NameTaken("trial", "a")


@pytest.fixture
def trial() -> Iterator[Table]:
    """Make a table for a while one of ours."""
    table = Table(
        "trial",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("tenant", Integer),
        Column("name", String),
        Column("code", Integer),
        Column("parent", Integer),
        UniqueConstraint("tenant", "name"),
        CheckConstraint("code >= 0", name="code_positive"),
        ForeignKeyConstraint(["parent"], ["trial.id"]),
        Index("ix_trial_code", "code", unique=True),
        Index(
            "ix_trial_odd",
            text("(tenant - tenant)"),
            unique=True,
            sqlite_where=text("name = 'odd'"),
            postgresql_where=text("name = 'odd'"),
        ),
    )
    yield table
    metadata.remove(table)


@pytest.fixture
async def filled(engine: AsyncEngine, trial: Table) -> AsyncEngine:
    """Give an engine over a database in which the table has a row."""
    async with engine.begin() as connection:
        await connection.run_sync(trial.create)
        await connection.execute(insert(trial).values(id=1, tenant=1, name="a", code=1))
        await connection.execute(insert(trial).values(id=9, tenant=9, name="odd", code=9))
    return engine


@pytest.mark.parametrize(
    ("row", "constraint"),
    [
        ({"id": 1}, "pk_trial"),
        ({"id": 2, "tenant": 1, "name": "a"}, "uq_trial_tenant_name"),
        ({"id": 2, "code": 1}, "ix_trial_code"),
        ({"id": 2, "tenant": 8, "name": "odd"}, "ix_trial_odd"),
        ({"id": 2, "code": -1}, "ck_trial_code_positive"),
    ],
)
async def test_a_violated_constraint_means_what_the_caller_says(
    filled: AsyncEngine, trial: Table, row: dict[str, object], constraint: str
) -> None:
    """Unique and check constraints go by the same name on both dialects."""
    with pytest.raises(NameTaken) as refused, translated({constraint: TAKEN}):
        async with filled.begin() as connection:
            await connection.execute(insert(trial).values(**row))

    assert refused.value is TAKEN
    assert refused.value.__cause__ is not None


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1, "name": SECRET},
        {"id": 2, "code": -1, "name": SECRET},
        {"id": 2, "parent": 3, "name": SECRET},
    ],
)
async def test_a_constraint_nobody_speaks_of_is_a_refusal(
    filled: AsyncEngine, trial: Table, row: dict[str, object]
) -> None:
    """A violation that the caller did not expect is refused, without a value in the message."""
    with pytest.raises(StoreRefused) as refused, translated({"uq_trial_tenant_name": TAKEN}):
        async with filled.begin() as connection:
            await connection.execute(insert(trial).values(**row))

    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is not None


async def test_a_missing_table_says_what_to_run(engine: AsyncEngine) -> None:
    """Tables that are not there are the sign of a database that was not migrated."""
    with pytest.raises(StoreRefused, match="cronicorn-db check"), translated():
        async with engine.begin() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))


async def test_a_missing_column_says_what_to_run(filled: AsyncEngine) -> None:
    """So are columns."""
    with pytest.raises(StoreRefused, match="cronicorn-db check"), translated():
        async with filled.begin() as connection:
            await connection.execute(text("SELECT no_such_column FROM trial"))


@pytest.mark.parametrize("value", ["\ud800", 10**30])
async def test_a_value_that_cannot_be_sent_is_refused(
    filled: AsyncEngine, trial: Table, value: object
) -> None:
    """Text without an encoding or a number out of range harms its own statement only (trap T15)."""
    column = "name" if isinstance(value, str) else "code"
    with pytest.raises(StoreRefused), translated():
        async with filled.begin() as connection:
            await connection.execute(insert(trial).values(id=2, **{column: value}))
    async with filled.begin() as connection:
        await connection.execute(insert(trial).values(id=2))


async def test_mistakes_of_ours_pass_through() -> None:
    """What is no answer of a database is not made to look like one."""
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError
    with pytest.raises(InvalidRequestError), translated():
        raise InvalidRequestError
    with pytest.raises(NameTaken), translated():
        raise TAKEN


async def execute(engine: AsyncEngine, *statements: str) -> None:
    """Run statements in one transaction."""
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


class TestSqlite:
    """Errors of SQLite."""

    @pytest.fixture
    async def engine(self, sqlite_database: str) -> AsyncIterator[AsyncEngine]:
        """Give an engine over a migrated file."""
        async with open_engine(parse_database_url(sqlite_database)) as opened:
            yield opened

    async def test_a_full_disk_is_unavailable(self, engine: AsyncEngine) -> None:
        """What cannot be written for want of space waits until there is some (trap T31)."""
        with pytest.raises(StoreUnavailable, match="full"), translated():
            await execute(
                engine,
                "PRAGMA max_page_count = 1",
                "CREATE TABLE big (content BLOB)",
                "INSERT INTO big VALUES (zeroblob(10000000))",
            )

    async def test_a_file_that_cannot_be_written_is_unavailable(self, engine: AsyncEngine) -> None:
        """A database that only can be read for now waits until it can be written (trap T31)."""
        with pytest.raises(StoreUnavailable, match="readonly"), translated():
            await execute(engine, "PRAGMA query_only = ON", "CREATE TABLE trial (id INTEGER)")

    def test_errors_of_the_driver_alone_are_translated(self) -> None:
        """Statements that go to the driver directly are answered in the same words."""
        with pytest.raises(StoreRefused), translated():
            sqlite3.connect("/no/such/folder/x.db")
        with pytest.raises(StoreRefused), translated():
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (sqlite3.SQLITE_BUSY, StoreUnavailable),
            (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable),
            (sqlite3.SQLITE_LOCKED, StoreUnavailable),
            (sqlite3.SQLITE_IOERR_READ, StoreUnavailable),
            (sqlite3.SQLITE_IOERR_WRITE, StoreUnavailable),
            (sqlite3.SQLITE_READONLY_DBMOVED, StoreUnavailable),
            (sqlite3.SQLITE_INTERRUPT, StoreUnavailable),
            (sqlite3.SQLITE_CORRUPT, StoreRefused),
            (sqlite3.SQLITE_PERM, StoreRefused),
        ],
    )
    def test_what_may_pass_is_unavailable(self, code: int, kind: type[StoreError]) -> None:
        """Only what may go away by itself invites another try."""
        error = sqlite3.OperationalError("something")
        error.sqlite_errorcode = code

        with pytest.raises(kind), translated():
            raise error


async def backend(engine: AsyncEngine) -> int:
    """Say which process of the server the pool's connection leads to."""
    async with engine.connect() as connection:
        pid: int = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    return pid


class TestPostgres:
    """Errors of PostgreSQL."""

    @pytest.fixture
    async def engine(self, postgres_database: str) -> AsyncIterator[AsyncEngine]:
        """Give an engine that has little patience."""
        limits = EngineLimits(
            statement=timedelta(milliseconds=200), lock=timedelta(milliseconds=100)
        )
        opening = open_engine(parse_database_url(postgres_database), limits=limits)
        async with opening as opened:
            yield opened

    async def test_a_lost_connection_is_unavailable_and_heals(self, engine: AsyncEngine) -> None:
        """A server that ends our session is unavailable; the next use connects anew."""
        with pytest.raises(StoreUnavailable), translated():
            async with engine.connect() as connection:
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1

    async def test_pooled_connections_that_died_are_replaced(
        self, engine: AsyncEngine, postgres_database: str
    ) -> None:
        """After a restart one use fails as unavailable, whatever the pool holds (trap T31)."""
        async with engine.connect() as one, engine.connect() as another:
            await one.execute(text("SELECT 1"))
            await another.execute(text("SELECT 1"))
        with psycopg.connect(postgres_database, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

        with pytest.raises(StoreUnavailable), translated():
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        for _ in range(2):
            async with engine.connect() as connection:
                assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1

    async def test_a_connection_to_what_became_a_standby_is_replaced(
        self, engine: AsyncEngine
    ) -> None:
        """After a failover nothing can be written over the old connection: a new one is made."""
        before = await backend(engine)
        assert await backend(engine) == before

        with pytest.raises(StoreUnavailable, match="read-only"), translated():
            await execute(engine, "SET TRANSACTION READ ONLY", "CREATE TABLE trial ()")

        assert await backend(engine) != before

    async def test_a_long_statement_is_unavailable(self, engine: AsyncEngine) -> None:
        """A statement beyond its time is ended, and says so."""
        with pytest.raises(StoreUnavailable, match="statement timeout"), translated():
            async with engine.connect() as connection:
                await connection.execute(text("SELECT pg_sleep(60)"))

    async def test_a_lock_held_by_others_is_unavailable(
        self, engine: AsyncEngine, postgres_database: str
    ) -> None:
        """Who waits for a lock longer than its time gives up, and says so."""
        with psycopg.connect(postgres_database) as holder:
            holder.execute("SELECT pg_advisory_xact_lock(1)")
            with pytest.raises(StoreUnavailable, match="lock timeout"), translated():
                async with engine.connect() as connection:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(1)"))

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            ("08006", StoreUnavailable),
            ("25006", StoreUnavailable),
            ("25P03", StoreUnavailable),
            ("40001", StoreUnavailable),
            ("40P01", StoreUnavailable),
            ("53100", StoreUnavailable),
            ("53200", StoreUnavailable),
            ("53400", StoreUnavailable),
            ("53300", StoreUnavailable),
            ("57P01", StoreUnavailable),
            ("57P03", StoreUnavailable),
            ("58030", StoreUnavailable),
            ("XX000", StoreUnavailable),  # a file past its limit, a quota that is used up
            ("28P01", StoreRefused),
            ("42501", StoreRefused),
            ("42601", StoreRefused),
            ("XX001", StoreRefused),
        ],
    )
    async def test_what_may_pass_is_unavailable(
        self, postgres_database: str, state: str, kind: type[StoreError]
    ) -> None:
        """Only what may go away by itself invites another try; detail and hint are not repeated."""
        raising = (
            f"DO $$ BEGIN RAISE EXCEPTION 'primary' USING ERRCODE = '{state}',"
            f" DETAIL = '{SECRET}', HINT = '{SECRET}'; END $$"
        )
        connection = await psycopg.AsyncConnection.connect(postgres_database)
        with pytest.raises(kind, match="primary") as refused, translated():
            await connection.execute(raising)
        await connection.close()

        assert SECRET not in str(refused.value)

    async def test_a_right_that_is_missing_comes_with_the_remedy(
        self, postgres_database: str
    ) -> None:
        """Who may not read or make tables is told what to grant."""
        connection = await psycopg.AsyncConnection.connect(postgres_database)
        await connection.execute("CREATE ROLE newcomer")
        await connection.execute("SET ROLE newcomer")
        with pytest.raises(StoreRefused, match="schema public: grant it to"), translated():
            await connection.execute("CREATE TABLE trial ()")
        await connection.close()

    async def test_no_value_shows_in_a_refusal(self, postgres_database: str) -> None:
        """A message of the server that would quote a value is not repeated (trap T43)."""
        connection = await psycopg.AsyncConnection.connect(postgres_database)
        with pytest.raises(StoreRefused) as refused, translated():
            await connection.execute("SELECT CAST(%s AS integer)", [SECRET])
        await connection.close()

        assert SECRET in str(refused.value.__cause__)
        assert SECRET not in str(refused.value)


async def test_no_parameter_shows_in_a_cause(engine: AsyncEngine) -> None:
    """The error behind, which logs may show, hides the values of its statement (trap T43)."""
    with pytest.raises(StoreRefused) as refused, translated():
        async with engine.connect() as connection:
            await connection.execute(text("SELECT :value FROM nowhere"), {"value": SECRET})

    assert "nowhere" in str(refused.value.__cause__)
    assert SECRET not in str(refused.value.__cause__)
