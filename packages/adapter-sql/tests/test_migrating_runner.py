"""Migrations: up, down, at the same time, half-way, and what a foreign schema is told."""

import asyncio
import io
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from cronicorn_adapter_sql.column_types import JSON_DOCUMENT, UtcDateTime, metadata
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.journey import Began, Event, Finished, HeldUp, Patience
from cronicorn_adapter_sql.migrating.losing import losses
from cronicorn_adapter_sql.migrating.runner import downgrade, upgrade
from cronicorn_adapter_sql.migrating.sessions import ADVISORY_KEY
from cronicorn_adapter_sql.migrating.standing import current, require_head, table_names
from cronicorn_adapter_sql.migrating.tree import Step
from cronicorn_adapter_sql.migrating.watching import doing
from cronicorn_domain.errors import InvalidInput, SchemaMismatch, StoreRefused, StoreUnavailable
from sqlalchemy import Column, Connection, Integer, Table, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.sql.sqltypes import AutoString

REVISION = '''"""
{title}.

Why: to have something to migrate.
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {follows!r}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''

FAMILIES = """op.create_table("parents", sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("old", sa.Integer))
    op.create_table("children", sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent", sa.Integer, sa.ForeignKey("parents.id", ondelete="CASCADE")))
    op.execute("INSERT INTO parents VALUES (1, 1)")
    op.execute("INSERT INTO children VALUES (1, 1)")"""
REBUILD = """with op.batch_alter_table("parents", recreate="auto") as batch:
        batch.alter_column("old", new_column_name="fresh", existing_type=sa.Integer)"""
REBUILD_BACK = REBUILD.replace('"old"', '"fresh"', 1).replace('="fresh"', '="old"')

ALL = (
    Step(revision="r1", title="Have families."),
    Step(revision="r2", title="Rebuild the parents."),
)


@pytest.fixture
def tree(tmp_path: Path) -> str:
    """Make a tree of two migrations, with our own environment."""
    root = tmp_path / "tree"
    ours = Path(str(files("cronicorn_adapter_sql") / "migrations"))
    (root / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        shutil.copy(ours / name, root)
    drop = 'op.drop_table("children"); op.drop_table("parents")'
    add(root, "r1", None, "Have families", up=FAMILIES, down=drop)
    add(root, "r2", "r1", "Rebuild the parents", up=REBUILD, down=REBUILD_BACK)
    return str(root)


def add(
    root: str | Path, revision: str, follows: str | None, title: str, *, up: str, down: str
) -> None:
    """Write a migration."""
    content = REVISION.format(revision=revision, follows=follows, title=title, up=up, down=down)
    Path(root, "versions", f"{revision}.py").write_text(content)


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine over a database without tables, on either dialect in turn."""
    async with open_engine(parse_database_url(empty_database_url)) as engine:
        yield engine


async def scalar(engine: AsyncEngine, statement: str) -> object:
    """Run one statement and return its one value."""
    async with engine.connect() as connection:
        return (await connection.execute(text(statement))).scalar_one()


async def test_up_down_and_up_again(empty: AsyncEngine, tree: str) -> None:
    """A database goes up in order, down in reverse, and is then as empty as before."""
    up = await upgrade(empty, tree=tree)
    again = await upgrade(empty, tree=tree)
    tables = await table_names(empty)
    down = await downgrade(empty, target="base", tree=tree)
    left = await table_names(empty)
    at = await current(empty)

    assert up == ALL
    assert again == ()
    assert tables == {"parents", "children"}
    assert down == tuple(reversed(ALL))
    assert left == frozenset()
    assert at is None
    assert await upgrade(empty, tree=tree) == ALL


async def test_our_own_tree_goes_up_down_and_up(empty: AsyncEngine) -> None:
    """The migrations that we ship can all be undone and applied again."""
    up = await upgrade(empty)
    await require_head(empty)
    await downgrade(empty, target="base")

    assert await table_names(empty) == frozenset()
    assert await upgrade(empty) == up


async def test_targets_may_be_relative(empty: AsyncEngine, tree: str) -> None:
    """``+1`` and ``-1`` are one step from where the database is."""
    assert await upgrade(empty, target="+1", tree=tree) == ALL[:1]
    assert await upgrade(empty, target="+1", tree=tree) == ALL[1:]
    assert await downgrade(empty, target="-1", tree=tree) == ALL[1:]
    assert await current(empty) == "r1"


async def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(
    empty: AsyncEngine, tree: str
) -> None:
    """SQLite drops the old table of a rebuild; what refers to it with a cascade stays."""
    await upgrade(empty, tree=tree)

    assert await scalar(empty, "SELECT count(*) FROM children") == 1
    assert await scalar(empty, "SELECT fresh FROM parents") == 1


async def test_a_migration_that_leaves_orphans_is_undone(
    empty_sqlite_database: str, tree: str
) -> None:
    """With foreign keys off while it runs, a migration is checked for them before its commit."""
    lose = 'op.execute("DELETE FROM parents")'
    add(tree, "r3", "r2", "Lose the parents", up=lose, down="pass")
    async with open_engine(parse_database_url(empty_sqlite_database)) as engine:
        await upgrade(engine, target="r2", tree=tree)

        with pytest.raises(StoreRefused, match="children"):
            await upgrade(engine, tree=tree)

        assert await scalar(engine, "SELECT count(*) FROM parents") == 1
        assert await current(engine) == "r2"


async def test_a_migration_that_fails_leaves_nothing(empty: AsyncEngine, tree: str) -> None:
    """Half a migration is none, the message says where it failed, and it can go on (trap T31)."""
    half = """op.create_table("half", sa.Column("id", sa.Integer))
    op.execute("INSERT INTO nowhere VALUES (1)")"""
    await upgrade(empty, tree=tree)
    add(tree, "r3", "r2", "Fail", up=half, down="pass")

    with pytest.raises(StoreRefused, match=r"migrating .* to r3 failed.*nowhere") as refused:
        await upgrade(empty, tree=tree)

    assert refused.value.__cause__ is not None
    assert await table_names(empty) == {"parents", "children"}
    assert await current(empty) == "r2"
    assert await downgrade(empty, target="base", tree=tree) == tuple(reversed(ALL))


async def test_the_session_of_a_migration_is_not_reused(empty: AsyncEngine, tree: str) -> None:
    """What a migration may (run long, ignore foreign keys) nobody else may after it."""
    await upgrade(empty, tree=tree)
    question, answer = {
        "sqlite": ("PRAGMA foreign_keys", 1),
        "postgresql": ("SHOW statement_timeout", "30s"),
    }[empty.dialect.name]

    assert await scalar(empty, question) == answer


REPLICA = """
import asyncio, sys
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import upgrade

async def main(url, tree):
    async with open_engine(parse_database_url(url)) as engine:
        print("ready", flush=True)
        sys.stdin.readline()
        print(*(step.revision for step in await upgrade(engine, tree=tree)))

asyncio.run(main(*sys.argv[1:]))
"""


async def start_replica(url: str, tree: str) -> asyncio.subprocess.Process:
    """Start a process that migrates as soon as it gets a line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", REPLICA, url, tree),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_a_migration_that_is_killed_leaves_nothing(
    empty_database_url: str, tree: str
) -> None:
    """Half of it is none, and the next one begins it anew (trap T31)."""
    database = parse_database_url(empty_database_url)
    async with open_engine(database) as engine:
        await upgrade(engine, tree=tree)
    half = 'op.create_table("half", sa.Column("id", sa.Integer))'
    stop = 'print("half", flush=True); import sys; sys.stdin.readline()'
    add(tree, "r3", "r2", "Stop half-way", up=f"{half}\n    {stop}", down="pass")

    replica = await start_replica(empty_database_url, tree)
    assert replica.stdin is not None
    assert replica.stdout is not None
    replica.stdin.write(b"go\n")
    assert await replica.stdout.readline() == b"half\n"
    replica.kill()
    assert await replica.wait() != 0

    async with open_engine(database) as engine:
        assert await table_names(engine) == {"parents", "children"}
        assert await current(engine) == "r2"
        add(tree, "r3", "r2", "Go all the way", up=half, down="pass")
        assert [step.revision for step in await upgrade(engine, tree=tree)] == ["r3"]


async def wait_for_sleep(engine: AsyncEngine) -> None:
    """Wait until a statement sleeps: PostgreSQL forgets a cancelling that comes before it."""
    asleep = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    async with engine.connect() as connection:
        while not (await connection.execute(asleep)).scalar_one():
            await connection.rollback()
            await asyncio.sleep(0.01)


async def test_a_migration_may_be_interrupted(empty_postgres_database: str, tree: str) -> None:
    """Ctrl-C in the middle of a long statement ends it on the server, too, and leaves nothing."""
    database = parse_database_url(empty_postgres_database)
    long = """op.create_table("half", sa.Column("id", sa.Integer))
    print("half", flush=True)
    op.execute("SELECT pg_sleep(600)")"""
    async with open_engine(database) as engine:
        await upgrade(engine, tree=tree)
        add(tree, "r3", "r2", "Take long", up=long, down="pass")
        replica = await start_replica(empty_postgres_database, tree)
        assert replica.stdin is not None
        assert replica.stdout is not None
        replica.stdin.write(b"go\n")
        assert await replica.stdout.readline() == b"half\n"
        await wait_for_sleep(engine)

        replica.send_signal(signal.SIGINT)

        assert await replica.wait() != 0
        assert await table_names(engine) == {"parents", "children"}
        assert await downgrade(engine, target="-1", tree=tree) == ALL[1:]


async def test_replicas_may_start_together(empty_database_url: str, tree: str) -> None:
    """Of four processes that migrate at once all succeed, and each migration is applied once."""
    replicas = await asyncio.gather(*(start_replica(empty_database_url, tree) for _ in range(4)))
    answers = await asyncio.gather(*(replica.communicate(b"go\n") for replica in replicas))

    assert [replica.returncode for replica in replicas] == [0] * 4
    applied = [answer.decode().strip() for answer, _ in answers]
    assert sorted(applied) == ["", "", "", "r1 r2"]


CHANGING = """
    op.drop_index("of_parent", "children")
    op.create_index("of_parent", "children", ["parent", "id"])
    op.alter_column("parents", "fresh", new_column_name="title")
    op.drop_table("pets")
    print("half", flush=True)
    import sys
    sys.stdin.readline()
"""


async def test_a_replica_that_starts_amid_a_migration_finds_no_drift(
    empty_postgres_database: str, tree: str
) -> None:
    """What it reads is of before and of after, and so nothing that somebody did by hand."""
    more = """
    op.create_index("of_parent", "children", ["parent"])
    op.create_table("pets", sa.Column("id", sa.Integer, primary_key=True))
"""
    add(tree, "r3", "r2", "Have pets", up=more, down="pass")
    database = parse_database_url(empty_postgres_database)
    async with (
        open_engine(database) as engine,
        await psycopg.AsyncConnection.connect(empty_postgres_database, autocommit=True) as eyes,
    ):
        await upgrade(engine, tree=tree)
        add(tree, "r4", "r3", "Change much", up=CHANGING, down="pass")
        first = await start_replica(empty_postgres_database, tree)
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write(b"go\n")
        assert await first.stdout.readline() == b"half\n"

        second = await start_replica(empty_postgres_database, tree)
        assert second.stdin is not None
        second.stdin.write(b"go\n")
        await a_wait_for_a_lock(eyes)
        applied, _ = await first.communicate(b"go on\n")
        found, _ = await second.communicate(b"go on\n")

    assert (first.returncode, applied) == (0, b"r4\n")
    assert (second.returncode, found.split()[-1:]) == (0, [b"half"])  # tried apart, and not applied


async def a_wait_for_a_lock(eyes: psycopg.AsyncConnection) -> None:
    """Return when somebody waits for a table."""
    waiting = (
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'relation'"
        " AND datname = current_database()"
    )
    async with asyncio.timeout(30):
        while not await (await eyes.execute(waiting)).fetchall():  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)


async def test_who_waits_to_migrate_keeps_no_index_from_being_built(
    empty_postgres_database: str, tree: str
) -> None:
    """``CREATE INDEX CONCURRENTLY`` waits for all who may see the past; whoever waits is none."""
    told: list[Event] = []
    waits = asyncio.Event()

    def tell(event: Event) -> None:
        told.append(event)
        waits.set()

    async with (
        open_engine(parse_database_url(empty_postgres_database)) as replica,
        await psycopg.AsyncConnection.connect(empty_postgres_database, autocommit=True) as first,
    ):
        await upgrade(replica, tree=tree, target="r1")
        await first.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_KEY])

        waiting = asyncio.create_task(upgrade(replica, tree=tree, tell=tell))
        async with asyncio.timeout(30):
            await waits.wait()
        await first.execute("CREATE INDEX CONCURRENTLY built ON children (parent)")
        await first.execute("DROP INDEX built")

        assert not waiting.done()
        await first.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_KEY])
        assert await waiting == ALL[1:]

    # Nor is the wait broken off, as a deadlock, and begun anew.
    held = [event for event in told if isinstance(event, HeldUp)]
    assert held == [HeldUp(reason="another process is migrating this database")]


async def test_what_was_undone_with_its_transaction_is_not_told_as_done(
    empty_postgres_database: str, tree: str
) -> None:
    """Behind a pooler all steps are one transaction: a try that a lock has stopped did none."""
    database = parse_database_url(empty_postgres_database)
    ended = asyncio.Event()

    def tell(event: Event) -> None:
        if isinstance(event, HeldUp) and event.tried == 2:
            ended.set()

    async with open_engine(database, poll_only=True) as engine:
        await upgrade(engine, tree=tree)
        table = 'op.create_table("third", sa.Column("id", sa.Integer))'
        add(tree, "r3", "r2", "Have a third", up=table, down='op.drop_table("third")')
        column = 'op.add_column("parents", sa.Column("name", sa.String()))'
        add(tree, "r4", "r3", "Name the parents", up=column, down="pass")
        async with engine.connect() as holder:
            await holder.execute(text(HELD["postgresql"]))
            going = asyncio.create_task(
                upgrade(
                    engine,
                    tree=tree,
                    tell=tell,
                    patience=replace(HASTY, tries=1000),
                    despite_drift=True,  # to look for it would wait for the lock before any step
                )
            )
            async with asyncio.timeout(30):
                await ended.wait()
            await holder.rollback()

        assert [step.revision for step in await going] == ["r3", "r4"]


async def test_tasks_of_one_process_take_turns(empty: AsyncEngine, tree: str) -> None:
    """Alembic works with globals; two upgrades in one process do not get into each other."""
    done = await asyncio.gather(*(upgrade(empty, tree=tree) for _ in range(3)))

    assert sorted(done, key=len) == [(), (), ALL]


HELD = {"sqlite": "UPDATE parents SET fresh = 2", "postgresql": "LOCK TABLE parents"}
HASTY = Patience(lock=timedelta(milliseconds=20), pause=timedelta(0), tries=3)


async def add_name(empty: AsyncEngine, tree: str) -> None:
    """Bring a database to the revision before one that needs a table for itself."""
    await upgrade(empty, tree=tree)
    up = 'op.add_column("parents", sa.Column("name", sa.String()))'
    add(tree, "r3", "r2", "Name the parents", up=up, down='op.drop_column("parents", "name")')


async def test_a_lock_that_somebody_holds_is_waited_for(empty: AsyncEngine, tree: str) -> None:
    """The step gives up at once, so that nobody queues behind it, and is tried again."""
    await add_name(empty, tree)
    told: list[Event] = []

    async with empty.connect() as holder:
        await holder.execute(text(HELD[empty.dialect.name]))

        def tell(event: Event) -> None:
            told.append(event)
            if isinstance(event, HeldUp) and event.tried == 2:
                ended.set()

        ended = asyncio.Event()
        going = asyncio.create_task(
            upgrade(empty, tree=tree, tell=tell, patience=replace(HASTY, tries=1000))
        )
        async with asyncio.timeout(30):
            await ended.wait()
        await holder.rollback()

    assert [step.revision for step in await going] == ["r3"]
    held = [event for event in told if isinstance(event, HeldUp)]
    assert [event.tried for event in held[:2]] == [1, 2]
    assert isinstance(told[-1], Finished)


async def test_a_lock_that_is_never_given_back_ends_in_a_message(
    empty: AsyncEngine, tree: str
) -> None:
    """After its tries the migration is refused, nothing of it is left, and it says why."""
    await add_name(empty, tree)
    async with empty.connect() as holder:
        await holder.execute(text(HELD[empty.dialect.name]))

        with pytest.raises(StoreUnavailable, match=r"to r3 (failed|has not begun).* lock"):
            await upgrade(empty, tree=tree, patience=HASTY)

    assert await current(empty) == "r2"


async def test_each_step_is_told(empty: AsyncEngine, tree: str) -> None:
    """Who waits for a long migration sees which step is under way, and how many there are."""
    told: list[Event] = []

    await upgrade(empty, tree=tree, tell=told.append)
    await downgrade(empty, target="-1", tree=tree, tell=told.append)

    assert told == [
        Began(step=ALL[0], undone=False, number=1, count=2),
        Finished(step=ALL[0], undone=False),
        Began(step=ALL[1], undone=False, number=2, count=2),
        Finished(step=ALL[1], undone=False),
        Began(step=ALL[1], undone=True, number=1, count=1),
        Finished(step=ALL[1], undone=True),
    ]


async def test_what_holds_a_migration_up_is_named(empty_postgres_database: str, tree: str) -> None:
    """Others see for which process, since when in its transaction, a migration waits."""
    url = parse_database_url(empty_postgres_database)
    patience = Patience(lock=timedelta(seconds=60))
    async with open_engine(url, application_name="careless") as engine:
        await add_name(engine, tree)
        async with engine.connect() as holder:
            await holder.execute(text(HELD["postgresql"]))
            going = asyncio.create_task(
                upgrade(engine, tree=tree, patience=patience, despite_drift=True)
            )
            seen = None
            async with asyncio.timeout(30):
                while seen is None and not going.done():
                    seen = await doing(engine)
            await holder.rollback()
            await going

        assert seen is not None
        assert seen.startswith("waiting for process ")
        assert "of careless, which is idle in transaction, in a transaction since " in seen
        assert await doing(engine) is None


@pytest.mark.parametrize("target", ["nowhere", "+9", "-1", "", "r1:r2"])
async def test_a_target_that_is_none_is_refused(empty: AsyncEngine, tree: str, target: str) -> None:
    """What is no revision, or out of reach, names itself and what a target may be."""
    with pytest.raises(InvalidInput, match="name a revision") as refused:
        await upgrade(empty, target=target, tree=tree)

    assert refused.value.field == "target"
    assert await table_names(empty) == frozenset()


async def test_the_last_step_down_has_a_name(empty: AsyncEngine, tree: str) -> None:
    """A number of steps goes no further than to the first revision; what drops all is ``base``."""
    await upgrade(empty, tree=tree)
    for target in ("-2", "head-2", "r1-1", "base+0"):
        with pytest.raises(InvalidInput, match=r"would drop every table .* name base"):
            await downgrade(empty, target=target, tree=tree)
    assert await table_names(empty) == {"parents", "children"}

    assert await downgrade(empty, target="-1", tree=tree) == ALL[1:]
    assert await downgrade(empty, target="base", tree=tree) == ALL[:1]


async def test_a_column_that_gets_another_type_may_lose(empty: AsyncEngine, tree: str) -> None:
    """What a narrower type cannot hold is told before it is gone; what stays as it was is not."""
    retype = """with op.batch_alter_table("children") as batch:
        batch.alter_column("parent", existing_type=sa.{}(), type_=sa.{}(), nullable=False)"""
    up, down = retype.format("Integer", "BigInteger"), retype.format("BigInteger", "Integer")
    add(tree, "r3", "r2", "Have many parents", up=up, down=down)
    await upgrade(empty, tree=tree, target="r2")
    assert await losses(empty, target="r2", tree=tree) == ()
    await upgrade(empty, tree=tree)

    (lost,) = await losses(empty, target="-1", tree=tree)

    told = "the column parent of children, where it does not fit into integer, (1 row)"
    assert str(lost).lower() == told


async def test_down_goes_down_only(empty: AsyncEngine, tree: str) -> None:
    """A downgrade to what lies ahead is refused."""
    await upgrade(empty, target="r1", tree=tree)

    with pytest.raises(InvalidInput):
        await downgrade(empty, target="r2", tree=tree)

    assert await current(empty) == "r1"


@pytest.mark.parametrize("found", [None, "r1"])
async def test_an_older_schema_says_what_to_run(
    empty: AsyncEngine, tree: str, found: str | None
) -> None:
    """Code does not work with tables it was not written for; an upgrade makes them right."""
    if found is not None:
        await upgrade(empty, target=found, tree=tree)

    with pytest.raises(SchemaMismatch, match="run `cronicorn-db upgrade`") as refused:
        await require_head(empty, tree=tree)

    assert (refused.value.found, refused.value.expected) == (found, "r2")
    await upgrade(empty, tree=tree)
    await require_head(empty, tree=tree)


async def test_a_newer_schema_is_left_alone(empty: AsyncEngine, tree: str) -> None:
    """A revision that this code does not know belongs to a newer version: nothing touches it."""
    await upgrade(empty, tree=tree)
    async with empty.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'r99'"))

    with pytest.raises(SchemaMismatch, match="a newer version made it") as refused:
        await require_head(empty, tree=tree)
    with pytest.raises(SchemaMismatch):
        await upgrade(empty, tree=tree)
    with pytest.raises(SchemaMismatch):
        await downgrade(empty, target="base", tree=tree)

    assert (refused.value.found, refused.value.expected) == ("r99", "r2")
    assert await table_names(empty) == {"parents", "children"}
    assert await current(empty) == "r99"


async def test_tables_of_another_program_are_left_alone(empty: AsyncEngine) -> None:
    """Where a table has one of our names and no migration of ours made it, nothing is migrated."""
    async with empty.begin() as connection:
        await connection.execute(text("CREATE TABLE jobs (name TEXT)"))

    with pytest.raises(StoreRefused, match=r"has a table jobs already.*name another database"):
        await upgrade(empty)

    assert await table_names(empty) == {"jobs"}


def read(path: Path) -> str:
    """Return what a file holds."""
    return path.read_text()


class TestEnvironment:
    """What Alembic itself does with our environment: the SQL as text, and drafts of migrations."""

    @pytest.fixture
    def config(self, tree: str) -> Config:
        """Configure Alembic for the tree."""
        config = Config(output_buffer=io.StringIO())
        config.set_main_option("script_location", tree)
        config.set_main_option("path_separator", "os")
        return config

    @pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
    def test_the_sql_can_be_written_instead_of_run(self, config: Config, dialect: str) -> None:
        """Without a database the migrations give their SQL, in the words of the dialect."""
        config.attributes["dialect"] = dialect

        command.upgrade(config, "r1", sql=True)

        output = config.output_buffer
        assert isinstance(output, io.StringIO)
        assert "CREATE TABLE parents" in output.getvalue()
        assert ("SERIAL" in output.getvalue()) == (dialect == "postgresql")

    @pytest.fixture
    def extra_table(self) -> Iterator[None]:
        """Make a table for a while one of ours."""
        table = Table(
            "extra",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("instant", UtcDateTime),
            Column("document", JSON_DOCUMENT),
            Column("name", AutoString(40)),
            Column("note", AutoString()),
        )
        yield
        metadata.remove(table)

    @pytest.mark.filterwarnings("ignore:.*expression-based index")
    @pytest.mark.usefixtures("extra_table")
    async def test_a_draft_names_plain_types_only(
        self, empty: AsyncEngine, config: Config, tree: str
    ) -> None:
        """A generated migration stands without our code, and asks for its reasons."""
        await upgrade(empty, tree=tree)

        def draft(connection: Connection) -> None:
            config.attributes["connection"] = connection
            command.revision(config, "Add extra", rev_id="r3", autogenerate=True)

        async with empty.connect() as connection:
            await connection.run_sync(draft)

        content = read(Path(tree, "versions", "r3_add_extra.py"))
        assert "cronicorn" not in content
        assert "sqlmodel" not in content
        assert "sa.Column('instant', sa.DateTime(timezone=True)" in content
        assert 'sa.JSON().with_variant(JSONB(), "postgresql")' in content
        assert "sa.Column('name', sa.String(length=40)" in content
        assert "sa.Column('note', sa.String()" in content
        for question in ("What changes:", "Why:", "previous version still run"):
            assert question in content
        compile(content, "r3_add_extra.py", "exec")
