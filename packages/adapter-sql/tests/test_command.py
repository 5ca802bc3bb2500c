"""The command ``cronicorn-db``: what it says, and how it ends."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from cronicorn_adapter_sql.command.verbs import app
from cronicorn_adapter_sql.database_url import SqliteDatabase, parse_database_url
from cronicorn_adapter_sql.migrating.tree import OUR_TREE, read_tree
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

LONG_AGO = "'2025-01-01 00:00:00.000000'"
SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


def cronicorn_db(*arguments: str, database_url: str | None = None) -> Result:
    """Run the command with ``DATABASE_URL`` set, or not."""
    return CliRunner().invoke(app, arguments, env={"DATABASE_URL": database_url})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_up_down_and_up_again(empty_database_url: str) -> None:
    """The verbs bring a database up and down, and say what they did and where it is now."""
    name = make_url(empty_database_url).render_as_string(hide_password=True)
    option = ("--database", empty_database_url)
    for _ in range(2):
        up = cronicorn_db("upgrade", *option)
        assert up.exit_code == 0  # a slow machine is told how far it is
        assert "applied " in up.stdout
        assert f"{name} is at revision " in up.stdout
        again = cronicorn_db("upgrade", *option)
        assert (again.exit_code, "nothing to do" in again.stdout) == (0, True)
        at = cronicorn_db("current", *option)
        assert (at.exit_code, f"{name} is at revision " in at.stdout) == (0, True)
        assert "note:" not in at.stdout
        down = cronicorn_db("downgrade", "base", *option)
        assert down.exit_code == 0
        assert "undone " in down.stdout
        assert "note: the database" in down.stdout
        assert "run `cronicorn-db upgrade`" in down.stdout
        assert "dropped, with all their rows: " in down.stdout
        assert f"{name} has no tables of Cronicorn's" in down.stdout


def test_a_plan_is_a_script_and_applies_nothing(empty_database_url: str) -> None:
    """Standard output is the SQL alone; what it is about stands on standard error."""
    option = ("--database", empty_database_url)
    up = cronicorn_db("plan", *option)
    assert cronicorn_db("history", *option).stdout.count("<- the database is here") <= 1
    cronicorn_db("upgrade", *option)
    down = cronicorn_db("plan", "-1", *option)
    none = cronicorn_db("plan", *option)

    assert (up.exit_code, down.exit_code, none.exit_code) == (0, 0, 0)
    assert "CREATE TABLE jobs" in up.stdout
    assert "would apply 0001: Begin with every table." in up.stderr
    assert "would" not in up.stdout
    assert "would undo" in down.stderr
    assert (none.stdout, none.stderr) == ("", "nothing to do\n")


def test_a_plan_makes_no_file(here: Path) -> None:
    """A SQLite file that is not there can be planned, and is not there afterwards."""
    done = cronicorn_db("plan")

    assert (done.exit_code, "CREATE TABLE jobs" in done.stdout) == (0, True)
    assert list(here.iterdir()) == []


def test_check_says_what_differs(empty_sqlite_database: str) -> None:
    """It exits with 0 and a line where all is well, else with 1 and a line for each difference."""
    option = ("--database", empty_sqlite_database)
    cronicorn_db("upgrade", *option)
    fine = cronicorn_db("check", *option)
    with sqlite3.connect(empty_sqlite_database.removeprefix("sqlite:///")) as connection:
        connection.execute("CREATE INDEX mine ON jobs (description)")
    connection.close()
    drifted = cronicorn_db("check", *option)
    refused = cronicorn_db("downgrade", "base", *option)
    insisted = cronicorn_db("downgrade", "base", "--despite-drift", *option)

    assert (fine.exit_code, "no differences" in fine.stdout) == (0, True)
    assert drifted.exit_code == 1
    assert "differs: the index mine of jobs is not ours: CREATE INDEX mine" in drifted.stdout
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "cronicorn-db check" in refused.stderr
    assert insisted.exit_code == 0


def test_check_refuses_what_is_not_at_the_newest_revision(empty_sqlite_database: str) -> None:
    """A database without tables is not as it should be."""
    Path(empty_sqlite_database.removeprefix("sqlite:///")).touch()

    done = cronicorn_db("check", "--database", empty_sqlite_database)

    assert (done.exit_code, "run `cronicorn-db upgrade`" in done.stderr) == (1, True)


@pytest.mark.usefixtures("here")
def test_history_marks_where_the_database_is(empty_sqlite_database: str) -> None:
    """It lists the migrations with their titles, also where there is no database."""
    option = ("--database", empty_sqlite_database)
    without = cronicorn_db("history")
    cronicorn_db("upgrade", *option)
    at_head = cronicorn_db("history", *option)
    cronicorn_db("downgrade", "base", *option)
    at_base = cronicorn_db("history", *option)

    assert (without.exit_code, "here" in without.stdout) == (0, False)
    assert "note: there is no database" in without.stderr
    assert "0001  Begin with every table." in without.stdout
    assert at_head.stdout.splitlines()[0].endswith("  <- the database is here")
    assert at_base.stdout.splitlines()[-1] == "base  No tables.  <- the database is here"


VERBS = (("upgrade",), ("plan",), ("check",), ("downgrade", "base"))


@pytest.mark.parametrize("arguments", VERBS)
def test_the_database_of_another_program_is_refused(
    empty_database_url: str, arguments: tuple[str, ...]
) -> None:
    """Every verb says so, with the remedy, and leaves its tables as they are."""
    execute(empty_database_url, "CREATE TABLE jobs (name TEXT)")

    refused = cronicorn_db(*arguments, "--database", empty_database_url)

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "another program" in refused.stderr
    assert "name another" in refused.stderr
    execute(empty_database_url, "INSERT INTO jobs VALUES ('still here')")


def test_it_is_told_whose_a_database_is(empty_database_url: str) -> None:
    """What `current` tells to run next is not what would be refused."""
    execute(empty_database_url, "CREATE TABLE jobs (name TEXT)")

    told = cronicorn_db("current", "--database", empty_database_url)

    said = told.stdout + told.stderr
    assert "another program" in said
    assert "name another" in said
    assert "cronicorn-db upgrade" not in said


@pytest.mark.parametrize("arguments", VERBS)
def test_the_database_of_a_newer_version_is_refused(
    empty_database_url: str, arguments: tuple[str, ...]
) -> None:
    """Every verb says so, with the remedy, and leaves it at its revision."""
    option = ("--database", empty_database_url)
    cronicorn_db("upgrade", *option)
    execute(empty_database_url, "UPDATE alembic_version SET version_num = '9999'")

    refused = cronicorn_db(*arguments, *option)

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "a newer version made it, so install that one" in refused.stderr
    assert "is at revision 9999" in cronicorn_db("current", *option).stdout


@pytest.mark.parametrize(
    "arguments", [("upgrade",), ("downgrade", "base"), ("plan", "base"), ("check",)]
)
def test_a_role_without_rights_is_refused(
    empty_postgres_database: str, arguments: tuple[str, ...]
) -> None:
    """What the role lacks is said, with what to grant, and nothing is changed."""
    name = f"nobody_{make_url(empty_postgres_database).database}"
    option = ("--database", empty_postgres_database)
    if arguments != ("upgrade",):
        cronicorn_db("upgrade", *option)
    execute(
        empty_postgres_database,
        f"CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA public TO {name};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
    )
    before = cronicorn_db("current", *option).stdout
    theirs = make_url(empty_postgres_database).set(username=name)

    try:
        refused = cronicorn_db(
            *arguments, "--database", theirs.render_as_string(hide_password=False)
        )
    finally:
        execute(empty_postgres_database, f"DROP OWNED BY {name}; DROP ROLE {name}")

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "grant" in refused.stderr.lower()
    assert ("was undone" in refused.stderr) == (arguments == ("upgrade",))
    assert cronicorn_db("current", *option).stdout == before


def execute(url: str, statements: str) -> None:
    """Do to a database what another program would."""
    match parse_database_url(url):
        case SqliteDatabase(path=path):
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(statements)
        case _:
            with psycopg.connect(url, autocommit=True) as server:
                server.execute(statements.encode())


def told_of(name: str, seen_at: str) -> str:
    """Give the statement that writes down a worker that told of itself then."""
    told = f"'{name}', {seen_at}, {seen_at}, 1, '1', '2025b', 0, 1000000"
    return f"INSERT INTO workers VALUES ({told})"


def test_a_downgrade_says_what_would_be_lost(empty_database_url: str) -> None:
    """Without --yes no row goes: it is said how many would, table by table, in plans, too."""
    option = ("--database", empty_database_url)
    cronicorn_db("upgrade", *option)
    for number in range(3):
        execute(empty_database_url, told_of(f"w{number}", LONG_AGO))

    planned = cronicorn_db("plan", "base", *option)
    refused = cronicorn_db("downgrade", "base", *option)
    still = cronicorn_db("current", *option)
    accepted = cronicorn_db("downgrade", "base", "--yes", *option)

    assert "would lose the table workers (3 rows)\n" in planned.stderr
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "rows would be lost: the table workers (3 rows). Make a backup" in refused.stderr
    assert "is at revision" in still.stdout
    assert (accepted.exit_code, "dropped, with all their rows" in accepted.stdout) == (0, True)


def test_steps_down_do_not_end_at_nothing(empty_database_url: str) -> None:
    """What drops every table has to be called base, whatever else is said."""
    option = ("--database", empty_database_url)
    cronicorn_db("upgrade", *option)
    execute(empty_database_url, told_of("w1", LONG_AGO))
    everything = f"-{len(read_tree(OUR_TREE).line)}"

    refused = cronicorn_db("downgrade", everything, "--yes", *option)
    behind_its_end = cronicorn_db("downgrade", f"head{everything}", "--yes", *option)
    planned = cronicorn_db("plan", everything, *option)
    still = cronicorn_db("check", *option)
    spelled_out = cronicorn_db("downgrade", "base", "--yes", *option)

    for each in (refused, behind_its_end):
        assert (each.exit_code, each.stdout, each.stderr.count("\n")) == (2, "", 1)
        assert "would drop every table with all that is stored; name base" in each.stderr
    assert "no table would be left: `downgrade` wants the word base" in planned.stderr
    assert (still.exit_code, "no differences" in still.stdout) == (0, True)
    assert "dropped, with all their rows" in spelled_out.stdout


def test_a_downgrade_waits_for_no_living_worker(empty_database_url: str) -> None:
    """Not even with --yes: those at work are named, and keep their tables."""
    option = ("--database", empty_database_url)
    cronicorn_db("upgrade", *option)
    now = "now()" if empty_database_url.startswith("postgres") else SQLITE_NOW
    execute(empty_database_url, told_of("alive-7", now))

    refused = cronicorn_db("downgrade", "base", "--yes", *option)

    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "worker alive-7. Stop them first" in refused.stderr
    assert "is at revision" in cronicorn_db("current", *option).stdout


def test_a_downgrade_takes_nothing_from_an_api(empty_postgres_database: str) -> None:
    """An API keeps no note of itself, but is connected."""
    option = ("--database", empty_postgres_database)
    cronicorn_db("upgrade", *option)
    with psycopg.connect(empty_postgres_database, application_name="cronicorn-api"):
        refused = cronicorn_db("downgrade", "base", *option)

    assert refused.exit_code == 1
    assert re.search(r"at work on .*: cronicorn-api \(process \d+\)\. Stop them", refused.stderr)


def test_a_revision_needs_a_title() -> None:
    """What cannot be the name of a migration is bad usage, and no file is written."""
    refused = cronicorn_db("revision", "../evil")

    assert (refused.exit_code, "say in 3 to 80 letters" in refused.stderr) == (2, True)


def test_one_step_down_is_no_option(empty_sqlite_database: str) -> None:
    """``-1`` is the last migration, although it begins like an option."""
    option = ("--database", empty_sqlite_database)
    cronicorn_db("upgrade", *option)

    down = cronicorn_db("plan", "-1", *option)

    assert down.exit_code == 0
    assert down.stderr.count("would undo ") == 1


def test_the_database_is_taken_from_the_environment(here: Path) -> None:
    """``DATABASE_URL`` names the database where the option does not."""
    from_environment = cronicorn_db("upgrade", database_url="sqlite:///one.db")
    from_option = cronicorn_db(
        "upgrade", "--database", "sqlite:///two.db", database_url="sqlite:///three.db"
    )

    assert (from_environment.exit_code, from_option.exit_code) == (0, 0)
    assert sorted(file.name for file in here.glob("*.db")) == ["one.db", "two.db"]


@pytest.mark.parametrize("database_url", [None, ""])
def test_without_a_database_it_is_the_embedded_one(here: Path, database_url: str | None) -> None:
    """Nothing set, or set to nothing, means the file in the current folder (trap T39)."""
    done = cronicorn_db("upgrade", database_url=database_url)

    assert done.exit_code == 0
    assert [file.name for file in here.iterdir()] == ["cronicorn.db"]


@pytest.mark.parametrize("arguments", [("current",), ("check",), ("downgrade", "base")])
def test_only_an_upgrade_makes_a_database(here: Path, arguments: tuple[str, ...]) -> None:
    """Looking at a file that is not there, or emptying it, is refused with what makes it."""
    refused = cronicorn_db(*arguments)

    assert refused.exit_code == 1
    assert "there is no database sqlite:///cronicorn.db" in refused.stderr
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("upgrade", "--database", "mysql://localhost/x"),
        ("upgrade", "--database", ""),
        ("upgrade", "nowhere"),
        ("plan", "nowhere"),
        ("plan", "--everything"),
        ("downgrade", "nowhere"),
        ("downgrade", "--everything"),
        ("downgrade",),
        ("upgrade", "--everything"),
        ("sidegrade",),
    ],
)
@pytest.mark.usefixtures("here")
def test_bad_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    """What was typed wrong is said on standard error, without a traceback."""
    cronicorn_db("upgrade")

    refused = cronicorn_db(*arguments)

    assert refused.exit_code == 2
    assert refused.stderr != ""
    assert "Traceback" not in refused.output


def test_a_refusing_database_exits_with_1(postgres_url: str) -> None:
    """What the database does not allow is one line on standard error, without the password."""
    url = make_url(postgres_url).set(database="nowhere", password="hunter2")

    refused = cronicorn_db("upgrade", database_url=url.render_as_string(hide_password=False))

    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert 'database "nowhere" does not exist' in refused.stderr
    assert "hunter2" not in refused.output


def test_help_comes_before_the_work_is_loaded() -> None:
    """Asking for help does not import what only the verbs need."""
    script = (
        "import sys; from cronicorn_adapter_sql.command.verbs import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, {'sqlalchemy', 'alembic'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True
    )

    assert "upgrade" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 set()"
    example = "    cronicorn-db plan > upgrade.sql       what would be run; nothing is applied"
    assert example in done.stdout.splitlines()
