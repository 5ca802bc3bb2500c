"""Engines: what a connection is set to, how transactions begin, and what a failure to open says."""

import asyncio
import os
import socket
import socketserver
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import (
    EngineLimits,
    open_engine,
    read_only,
    single_statements,
)
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.pooler import MARK, behind_pooler
from cronicorn_domain.errors import SchemaMismatch, StoreRefused, StoreUnavailable
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

IMPATIENT = EngineLimits(lock=timedelta(milliseconds=1), connect=timedelta(seconds=2))


async def scalar(engine: AsyncEngine, statement: str) -> object:
    """Run one statement and return its one value."""
    async with engine.connect() as connection:
        return (await connection.execute(text(statement))).scalar_one()


async def refusal(url: str, kind: type[Exception], *, create: bool = True) -> str:
    """Open a database that does not open, and return what is said about it."""
    opening = open_engine(parse_database_url(url), limits=IMPATIENT, create=create)
    with pytest.raises(kind) as refused:
        await opening.__aenter__()
    return str(refused.value)


async def test_a_transaction_is_kept_or_undone_as_a_whole(engine: AsyncEngine) -> None:
    """A block that ends keeps what it wrote, also tables; one that fails leaves nothing."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE trial (id INTEGER)"))
        await connection.execute(text("INSERT INTO trial VALUES (1)"))
    with suppress(ZeroDivisionError):
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO trial VALUES (2)"))
            await connection.execute(text("CREATE TABLE more (id INTEGER)"))
            raise ZeroDivisionError

    assert await scalar(engine, "SELECT count(*) FROM trial") == 1
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE more (id INTEGER)"))


async def test_single_statements_last_without_further_ado(engine: AsyncEngine) -> None:
    """A statement of its own, committed as usual, is kept on both dialects."""
    single = single_statements(engine)
    async with single.connect() as connection:
        await connection.execute(text("CREATE TABLE trial (id INTEGER)"))
        await connection.execute(text("INSERT INTO trial VALUES (1)"))
        await connection.commit()

    assert await scalar(engine, "SELECT count(*) FROM trial") == 1


async def test_a_single_statement_on_postgresql_needs_no_commit(postgres_database: str) -> None:
    """On PostgreSQL single statements run in no transaction: they last at once."""
    async with open_engine(parse_database_url(postgres_database)) as engine:
        async with single_statements(engine).connect() as connection:
            await connection.execute(text("CREATE TABLE trial (id INTEGER)"))
            await connection.rollback()

        assert await scalar(engine, "SELECT count(*) FROM trial") == 0


async def test_the_pool_has_a_limit(database_url: str) -> None:
    """One more than the most connections waits, and is told so in the domain's words."""
    limits = EngineLimits(connections=1, wait_for_connection=timedelta(milliseconds=1))
    opening = open_engine(parse_database_url(database_url), limits=limits)
    async with opening as engine, read_only(engine).connect():
        with pytest.raises(StoreUnavailable, match="busy"), translated():
            await read_only(engine).connect()


def modes(folder: Path) -> dict[str, int]:
    """Return the files in a folder, and who may do what with them."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


class TestSqlite:
    """SQLite files."""

    @pytest.fixture
    async def engine(self, sqlite_database: str) -> AsyncIterator[AsyncEngine]:
        """Give an engine over a migrated file."""
        async with open_engine(parse_database_url(sqlite_database), limits=IMPATIENT) as opened:
            yield opened

    async def test_commits_last_and_foreign_keys_hold(self, engine: AsyncEngine) -> None:
        """Every connection writes through to the disk, checks foreign keys, and uses the WAL."""
        assert await scalar(engine, "PRAGMA journal_mode") == "wal"
        assert await scalar(engine, "PRAGMA synchronous") == 2
        assert await scalar(engine, "PRAGMA foreign_keys") == 1

    async def test_a_connection_waits_five_seconds_for_a_lock(self, sqlite_database: str) -> None:
        """By default a writer has patience with another one."""
        async with open_engine(parse_database_url(sqlite_database)) as engine:
            assert await scalar(engine, "PRAGMA busy_timeout") == 5000

    @pytest.fixture
    def unprivileged(self) -> Iterator[Path]:
        """Give a folder of one's own, without the rights of root, who may write everything."""
        with TemporaryDirectory() as name:
            if os.geteuid() == 0:
                os.chown(name, 65534, 65534)
                os.seteuid(65534)
            try:
                yield Path(name)
            finally:
                os.seteuid(os.getuid())

    @pytest.fixture
    def without_mask(self) -> Iterator[None]:
        """Let new files be as open as their makers ask."""
        before = os.umask(0)
        yield
        os.umask(before)

    @pytest.mark.usefixtures("without_mask")
    async def test_the_files_are_private(self, tmp_path: Path) -> None:
        """A file that we make, and those that SQLite makes beside it, are their owner's only."""
        async with open_engine(parse_database_url(f"sqlite:///{tmp_path}/new.db")) as engine:
            async with engine.begin() as connection:
                await connection.execute(text("CREATE TABLE trial (id INTEGER)"))
            found = modes(tmp_path)

        assert found == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}

    async def test_readers_do_not_wait_for_a_writer(self, engine: AsyncEngine) -> None:
        """A read-only transaction sees what was committed while another one writes."""
        async with engine.begin() as writer:
            await writer.execute(text("CREATE TABLE trial (id INTEGER)"))

            tables = await scalar(
                read_only(engine), "SELECT count(*) FROM sqlite_master WHERE name = 'trial'"
            )

        assert tables == 0

    async def test_a_writer_takes_the_right_to_write_at_once(self, engine: AsyncEngine) -> None:
        """A second writing transaction is refused as it begins; its connection goes on to work."""
        async with engine.connect() as late:
            async with engine.begin() as early:
                await early.execute(text("SELECT 1"))
                with pytest.raises(StoreUnavailable, match="locked"), translated():
                    await late.execute(text("SELECT 1"))

            assert (await late.execute(text("SELECT 1"))).scalar_one() == 1

    async def test_many_may_open_a_new_file_at_once(self, tmp_path: Path) -> None:
        """Processes that start together on no file yet all get it, in WAL mode."""
        database = parse_database_url(f"sqlite:///{tmp_path}/new.db")

        async def mode() -> object:
            async with open_engine(database) as engine:
                return await scalar(engine, "PRAGMA journal_mode")

        assert await asyncio.gather(*(mode() for _ in range(8))) == ["wal"] * 8

    async def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        """A path into nowhere says which folder to make."""
        said = await refusal(f"sqlite:///{tmp_path}/no/x.db", StoreRefused)

        assert f"make the folder {tmp_path}/no first" in said

    async def test_a_folder_is_no_database(self, tmp_path: Path) -> None:
        """A folder's name is refused as such."""
        assert "it is a folder" in await refusal(f"sqlite:///{tmp_path}", StoreRefused)

    async def test_another_file_is_left_alone(self, tmp_path: Path) -> None:
        """A file that is no database is refused, and not written to."""
        file = tmp_path / "notes.txt"
        file.write_text("remember the milk, " * 100)

        said = await refusal(f"sqlite:///{file}", StoreRefused)

        assert "is not a SQLite database" in said
        assert str(file) in said
        assert file.read_text() == "remember the milk, " * 100

    @pytest.mark.parametrize(
        "made_by", ["CREATE TABLE people (name TEXT)", "CREATE TABLE jobs (name TEXT)"]
    )
    async def test_the_database_of_another_program_is_left_alone(
        self, tmp_path: Path, made_by: str
    ) -> None:
        """Trap T31: tables that no migration of ours made are another's: not a byte changes."""
        file = tmp_path / "theirs.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(made_by)
        before = file.read_bytes()

        said = await refusal(f"sqlite:///{file}", StoreRefused)

        assert f"sqlite:///{file} is the database of another program" in said
        assert "name another file" in said
        assert file.read_bytes() == before

    async def test_a_database_of_other_migrations_is_left_alone(self, tmp_path: Path) -> None:
        """Another program may use Alembic, too: its revision is unknown, and no byte changes."""
        file = tmp_path / "theirs.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            connection.execute("INSERT INTO alembic_version VALUES ('abc')")
            connection.execute("CREATE TABLE people (name TEXT)")
            connection.commit()
        before = file.read_bytes()

        async with open_engine(parse_database_url(f"sqlite:///{file}")) as engine:
            with pytest.raises(SchemaMismatch, match="another program's, so name another one"):
                await upgrade(engine)

        assert file.read_bytes() == before

    async def test_what_is_no_ordinary_file_is_no_database(self, tmp_path: Path) -> None:
        """A pipe or a device is refused, and not waited for."""
        os.mkfifo(tmp_path / "pipe")

        said = await refusal(f"sqlite:///{tmp_path}/pipe", StoreRefused)

        assert "it is no ordinary file" in said

    @pytest.mark.parametrize(("name", "mode"), [("x.db", 0o400), (".", 0o500)])
    async def test_what_cannot_be_written_is_refused(
        self, unprivileged: Path, name: str, mode: int
    ) -> None:
        """Trap T31: a read-only file, or one in a read-only folder, heals by nobody's waiting."""
        file = unprivileged / "x.db"
        file.touch()
        (unprivileged / name).chmod(mode)

        said = await refusal(f"sqlite:///{file}", StoreRefused)

        assert f"give this user the right to write {unprivileged / name}" in said

    async def test_a_locked_file_says_so(self, tmp_path: Path) -> None:
        """A file that another process keeps to itself is unavailable; trying again may help."""
        file = tmp_path / "held.db"
        with closing(sqlite3.connect(file, isolation_level=None)) as holder:
            holder.execute("CREATE TABLE trial (id INTEGER)")
            holder.execute("BEGIN EXCLUSIVE")

            said = await refusal(f"sqlite:///{file}", StoreUnavailable)

        assert f"sqlite:///{file} is locked by another process" in said

    async def test_a_file_is_not_made_against_the_will(self, tmp_path: Path) -> None:
        """Where a database is expected, its absence is an error and stays as it is."""
        said = await refusal(f"sqlite:///{tmp_path}/x.db", StoreRefused, create=False)

        assert "there is no database" in said
        assert "cronicorn-db upgrade" in said
        assert modes(tmp_path) == {}


@contextmanager
def server_that_answers(answer: bytes) -> Iterator[int]:
    """Listen on a port of 127.0.0.1, and give everybody the same answer to the first packet."""
    over = threading.Event()

    class Talk(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(answer)
            over.wait()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
            thread.join()


def fatal(state: str, message: str) -> bytes:
    """Build PostgreSQL's message that ends a connection before it stands."""
    fields = b"".join(
        code + value.encode() + b"\0"
        for code, value in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", state), (b"M", message))
    )
    return b"E" + (len(fields) + 5).to_bytes(4) + fields + b"\0"


class TestPostgres:
    """PostgreSQL servers."""

    @pytest.fixture
    async def engine(self, postgres_database: str) -> AsyncIterator[AsyncEngine]:
        """Give an engine over a migrated database."""
        async with open_engine(parse_database_url(postgres_database)) as opened:
            yield opened

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("TimeZone", "UTC"),
            ("search_path", "public"),
            ("statement_timeout", "30s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("application_name", "cronicorn"),
            ("jit", "off"),
        ],
    )
    async def test_sessions_have_limits(
        self, engine: AsyncEngine, setting: str, value: str
    ) -> None:
        """No statement, lock or forgotten transaction of ours lasts for ever; all time is UTC."""
        assert await scalar(engine, f"SHOW {setting}") == value

    async def test_the_url_has_the_last_word(self, postgres_database: str) -> None:
        """Parameters in the URL stand above our defaults, and leave the others as they are."""
        url = f"{postgres_database}?application_name=mine&options=-c%20lock_timeout%3D1s"

        async with open_engine(parse_database_url(url)) as engine:
            assert await scalar(engine, "SHOW application_name") == "mine"
            assert await scalar(engine, "SHOW lock_timeout") == "1s"
            assert await scalar(engine, "SHOW statement_timeout") == "30s"

    async def test_read_only_transactions_cannot_write(self, engine: AsyncEngine) -> None:
        """What promises to read is held to it by the server, and the next user may write again."""
        with pytest.raises(StoreUnavailable, match="read-only"), translated():
            async with read_only(engine).begin() as connection:
                await connection.execute(text("CREATE TABLE trial (id INTEGER)"))
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE trial (id INTEGER)"))

    async def test_an_unknown_database_is_refused(self, postgres_url: str) -> None:
        """A database that does not exist is named, with the command that makes it."""
        url = make_url(postgres_url).set(database="nowhere")

        said = await refusal(url.render_as_string(hide_password=False), StoreRefused)

        assert 'database "nowhere" does not exist' in said
        assert "createdb" in said

    async def test_an_unknown_parameter_is_refused(self, postgres_url: str) -> None:
        """A parameter that libpq does not know is a mistake in the URL."""
        said = await refusal(f"{postgres_url}?sslmod=require", StoreRefused)

        assert 'invalid connection option "sslmod"' in said

    async def test_a_server_without_tls_is_refused_to_who_wants_it(self, postgres_url: str) -> None:
        """Trap T31: no waiting gives a server certificates."""
        said = await refusal(f"{postgres_url}?sslmode=require", StoreRefused)

        assert "server does not support SSL" in said
        assert "take sslmode out of the database URL" in said

    async def test_another_service_at_the_port_is_refused(self) -> None:
        """Trap T31: what speaks HTTP there will not be PostgreSQL after some waiting."""
        with server_that_answers(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
            said = await refusal(f"postgresql://ada@127.0.0.1:{port}/x", StoreRefused)

        assert "there is something else than PostgreSQL at this host and port" in said

    async def test_a_closed_port_is_unavailable(self) -> None:
        """Where no server listens, the message names the place, and trying again may help."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            said = await refusal(f"postgresql://ada:hunter2@127.0.0.1:{port}/x", StoreUnavailable)

        assert f"cannot reach postgresql://ada:***@127.0.0.1:{port}/x" in said
        assert "host and port" in said
        assert "hunter2" not in said

    @pytest.mark.parametrize(
        ("state", "message", "kind", "says"),
        [
            ("28P01", 'password authentication failed for user "ada"', StoreRefused, "password"),
            ("28000", 'role "ada" does not exist', StoreRefused, "create the role"),
            ("28000", 'no pg_hba.conf entry for host "::1"', StoreRefused, "let the server accept"),
            ("42501", 'permission denied for database "x"', StoreRefused, "grant the user"),
            ("53300", "sorry, too many clients already", StoreUnavailable, "too many clients"),
            ("57P03", "the database system is starting up", StoreUnavailable, "starting up"),
        ],
    )
    async def test_a_server_that_says_no_is_understood(
        self, state: str, message: str, kind: type[Exception], says: str
    ) -> None:
        """What needs a person is refused with the remedy; what passes by itself is unavailable."""
        with server_that_answers(fatal(state, message)) as port:
            said = await refusal(
                f"postgresql://ada:hunter2@127.0.0.1:{port}/x?sslmode=disable", kind
            )

        assert message in said
        assert says in said
        assert "hunter2" not in said

    async def test_a_silent_server_is_given_up(self) -> None:
        """Who takes a connection and says nothing does not keep us for ever."""
        with server_that_answers(b"") as port:
            said = await refusal(f"postgresql://127.0.0.1:{port}/x", StoreUnavailable)

        assert "timeout" in said


SETTINGS = "SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')"


async def test_an_engine_that_is_told_of_a_pooler_asks_for_no_session(
    postgres_database: str,
) -> None:
    """Each transaction brings its settings; a pooler that lets them through is not noticed."""
    mark = text(f"SELECT current_setting('{MARK}', true)")
    async with open_engine(parse_database_url(postgres_database), poll_only=True) as engine:
        async with engine.connect() as connection:
            assert (await connection.execute(mark)).scalar_one() is None
            assert (await connection.execute(text(SETTINGS))).one() == ("30s", "off")
        async with single_statements(engine).connect() as connection:
            assert (await connection.execute(text(SETTINGS))).one() == ("30s", "off")


async def test_a_session_that_is_as_it_was_set_is_relied_on(postgres_database: str) -> None:
    """Without a pooler nothing is brought with each transaction."""
    async with open_engine(parse_database_url(postgres_database)) as engine:
        assert not behind_pooler(engine)
