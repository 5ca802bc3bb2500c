"""The whole worker within this process: what it opens, tells, refuses and leaves behind."""

import gc
import json
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cronicorn_adapter_sql.testing.databases import empty_postgres
from cronicorn_worker.command import app
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.usefixtures("bare", "logging_as_before")

REFUSED = """\
jobs:
  - name: shop
    endpoints:
      - {name: health, url: 'http://127.0.0.1:1/', every: 1s}
      - {name: stock, url: 'http://127.0.0.1:1/', every: 1s}
      - {name: prices, url: 'http://127.0.0.1:1/', every: 1s}
"""
PAUSED = """\
jobs:
  - name: shop
    endpoints:
      - {name: health, url: 'https://shop.example/health', every: 1s, paused: true}
      - {name: stock, url: 'https://shop.example/stock', every: 1s, paused: true}
"""


def invoked(*arguments: str) -> Result:
    """Return what came of a worker with these options."""
    return CliRunner().invoke(app, ["--log-format", "json", *arguments])


def told(result: Result, event: str) -> list[dict[str, Any]]:
    """Return the lines of a name."""
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return [line for line in lines if line["event"] == event]


def names_in(folder: Path) -> list[str]:
    """Return the names of everything in a folder and below."""
    return sorted(path.name for path in folder.rglob("*"))


def test_the_default_database_is_private_and_kept(bare: Path) -> None:
    """Traps T39, T50: `cronicorn.db` where it was started; a restart changes nothing."""
    (bare / "jobs.yaml").write_text(PAUSED)

    first, second = (invoked("--jobs", "jobs.yaml", "--for", "100ms") for _ in range(2))

    (created,), (unchanged,) = told(first, "jobs_applied"), told(second, "jobs_applied")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert created["created"] == 3
    assert (unchanged["created"], unchanged["changed"], unchanged["unchanged"]) == (0, 0, 3)
    assert stat.S_IMODE((bare / "cronicorn.db").stat().st_mode) == 0o600


def test_prune_archives_what_the_file_no_longer_holds(bare: Path) -> None:
    """With --prune the file is all there is; an empty list archives everything."""
    (bare / "jobs.yaml").write_text(PAUSED)
    (bare / "less.yaml").write_text("jobs: []")
    invoked("--jobs", "jobs.yaml", "--for", "100ms")

    (pruned,) = told(invoked("--jobs", "less.yaml", "--prune", "--for", "100ms"), "jobs_applied")

    assert (pruned["archived"], pruned["names"]) == (1, "- shop")


def test_runs_behind_the_quota_are_put_off_to_the_end_of_the_month(bare: Path) -> None:
    """Trap T02: of three that are due one starts; the others wait for the next month."""
    (bare / "jobs.yaml").write_text(REFUSED)

    result = invoked(
        *("--jobs", "jobs.yaml", "--egress-allow", "127.0.0.1"),
        *("--run-quota", "1", "--for", "4s"),
    )

    assert result.exit_code == 0
    assert len(told(result, "run_failed")) == 1
    deferred = [each for each in told(result, "run_released") if each["reason"] == "deferred"]
    assert len({each["endpoint_id"] for each in deferred}) == len(deferred) >= 2
    assert {each["until"][8:] for each in deferred} == {"01T00:00:00.000Z"}
    assert {each["why"] for each in deferred} == {"its tenant's runs of this month are used up (1)"}


def test_a_server_for_quotas_that_is_not_there_is_told(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap T31: a clear line without its password, and the worker goes on with all else."""
    monkeypatch.setenv("CRONICORN_QUOTA_REDIS", "redis://:hunter2@127.0.0.1:1/0")

    result = invoked("--run-quota", "1", "--for", "100ms")

    (line,) = told(result, "quota_unavailable")
    assert result.exit_code == 0
    assert "Redis does not answer" in line["error"]
    assert "hunter2" not in result.output
    assert told(result, "scheduler_started")


def test_an_empty_store_says_what_to_do_next() -> None:
    """A newcomer who just starts it reads how to go on; the worker waits for jobs all the same."""
    result = invoked("--for", "100ms")

    (empty,) = told(result, "store_empty")
    assert result.exit_code == 0
    assert "--demo" in empty["hint"]
    assert "--jobs FILE" in empty["hint"]
    assert told(result, "scheduler_stopped")


def test_what_stays_is_left_out_of_garbage_collection() -> None:
    """Before it works, a worker sets aside what lives as long as it does."""
    threshold = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700)
    try:
        invoked("--for", "100ms")

        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > 700
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)


def test_the_summary_is_a_text_for_people() -> None:
    """After the last line comes what it all amounted to, also where no terminal is."""
    result = CliRunner().invoke(app, ["--for", "100ms"])

    assert result.exit_code == 0
    assert "\nSummary\n  worked for   " in result.stdout
    assert "  runs         0\n" in result.stdout


def test_the_demo_shows_itself_and_leaves_nothing(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap T39: no file and no option; runs, phases, failures that back off, and nothing stays."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://production.example/")
    monkeypatch.setattr("tempfile.tempdir", str(bare))

    result = invoked("--demo", "--for", "14s")

    phases = [line["phase"] for line in told(result, "phase_changed")]
    plans = [line["why"] for line in told(result, "next_run_planned")]
    assert (result.exit_code, result.stderr) == (0, "")
    assert phases[:3] == ["calm", "surge", "failing"]
    assert told(result, "run_succeeded")
    assert {line["endpoint"] for line in told(result, "run_failed")} >= {"health"}
    assert any("it backs off" in why for why in plans)
    assert names_in(bare) == []


def test_the_demo_retires_its_jobs_in_a_database_that_stays() -> None:
    """Whoever names a database for the demo is not left with endpoints of a closed shop."""
    demo = invoked("--demo", "--for", "100ms", "--database", "sqlite:///mine.db")
    after = invoked("--for", "100ms", "--database", "sqlite:///mine.db")

    assert (demo.exit_code, after.exit_code) == (0, 0)
    assert told(demo, "jobs_applied")
    assert told(after, "store_empty")


@pytest.fixture
def locked(bare: Path) -> Iterator[None]:
    """Hold a database file so that nobody else can use it."""
    with closing(sqlite3.connect(bare / "locked.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/db", "cannot reach postgresql://me:***@127.0.0.1:1"),
        ("sqlite:///locked.db", "locked.db is locked by another process: stop it, or wait"),
    ],
)
def test_a_database_that_is_away_is_waited_for(bare: Path, url: str, said: str) -> None:
    """Trap T31: a clear line, without the password, and no end before it is asked to end."""
    command = [sys.executable, "-m", "cronicorn_worker", "--log-format", "json", "--database", url]
    with subprocess.Popen(command, cwd=bare, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        line = json.loads(worker.stdout.readline())
        worker.send_signal(signal.SIGTERM)
        rest, _ = worker.communicate(timeout=60)

    assert (line["event"], line["level"], line["part"]) == ("store_unavailable", "error", "start")
    assert said in line["error"]
    assert "hunter2" not in json.dumps(line) + rest
    assert worker.returncode == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///no/such/folder.db", "make the folder no/such first"),
        ("sqlite:///text.db", "text.db is not a SQLite database"),
    ],
)
def test_a_database_that_does_not_do_exits_1(bare: Path, url: str, said: str) -> None:
    """Trap T31: one clear message with the remedy; no password in it, and no traceback."""
    (bare / "text.db").write_text("this is no database " * 100)

    result = invoked("--database", url)

    assert result.exit_code == 1
    assert said in result.stderr
    assert "hunter2" not in result.output
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_database_of_a_newer_version_exits_1(bare: Path) -> None:
    """A schema that this code does not know is left alone, and the message says so."""
    invoked("--for", "100ms")
    with closing(sqlite3.connect(bare / "cronicorn.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from the future'")
        connection.commit()

    result = invoked()

    assert result.exit_code == 1
    assert "from the future" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_malformed_key_exits_2(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    """Trap T43: the key is named, not shown, and nothing is opened."""
    monkeypatch.setenv("CRONICORN_SECRET_KEY", "hunter2")

    result = invoked()

    assert result.exit_code == 2
    assert "CRONICORN_SECRET_KEY" in result.stderr
    assert "hunter2" not in result.output
    assert names_in(bare) == []


def test_postgres_without_a_key_takes_no_secrets(
    bare: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap T43: a secret header is refused with the remedy, and nothing of the file is applied."""
    secret = "{name: mail, url: 'https://office.example/', every: 1s, paused: true,"
    secret += " headers: {authorization: hunter2}}"
    (bare / "jobs.yaml").write_text(f"{PAUSED}      - {secret}\n")

    with empty_postgres(postgres_server) as url:
        options = ("--database", url, "--jobs", "jobs.yaml", "--for", "100ms")
        without = invoked(*options)
        monkeypatch.setenv("CRONICORN_SECRET_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
        with_key, again = invoked(*options), invoked(*options)

    assert (without.exit_code, with_key.exit_code) == (1, 0)
    assert "CRONICORN_SECRET_KEY" in without.stderr
    assert told(with_key, "jobs_applied")[0]["created"] == 4
    assert told(again, "jobs_applied")[0]["unchanged"] == 4
    assert all("hunter2" not in each.output for each in (without, with_key, again))
