"""The command refuses bad usage with one clear message and exit code 2, and opens nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from cronicorn_worker.command import app
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.usefixtures("bare", "logging_as_before")


def invoked(*arguments: str) -> Result:
    """Return what came of the command."""
    return CliRunner().invoke(app, list(arguments))


def test_help_names_every_option() -> None:
    """Each option and the environment are told in one screen."""
    told = invoked("--help")

    assert told.exit_code == 0
    for option in [
        "database",
        "jobs",
        "prune",
        "demo",
        "for",
        "concurrency",
        "processes",
        "host-cap",
        "tenant-cap",
        "run-quota",
        "breaker",
        "egress-allow",
        "log-format",
    ]:
        assert f"--{option}" in told.output
    assert "CRONICORN_LOG_LEVEL" in " ".join(told.output.split())


def test_help_comes_at_once() -> None:
    """What does the work is not imported for help, nor for a mistyped option."""
    looked = (
        "import sys; from cronicorn_worker.command import app;"
        "heavy = {'sqlalchemy', 'aiohttp', 'pydantic', 'rich.live', 'ruamel'} & set(sys.modules);"
        "print(sorted(heavy))"
    )

    done = subprocess.run(
        [sys.executable, "-c", looked], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--bogus"], "No such option: --bogus"),
        (["doctors"], "No such command 'doctors'"),
        (["--for", "soon"], "--for: 'soon' is not a length. Write a number with a unit"),
        (["--prune"], "--prune needs a jobs file. Add --jobs FILE"),
        (["--demo", "--jobs", "x.yaml"], "--demo and --jobs do not go together."),
        (["--concurrency", "-1"], "--concurrency: '-1' is not possible. Give a number from 1"),
        (["--processes", "0"], "--processes: '0' is not possible. Give a number from 1 to 64"),
        (["--demo", "--processes", "2"], "--demo and --processes do not go together."),
        (["--log-format", "xml"], "--log-format: 'xml' is not possible. Write one of console"),
        (["--egress-allow", "a/b"], "--egress-allow: 'a/b' cannot be allowed"),
        (["--jobs", "none.yaml"], "none.yaml: the file cannot be read: No such file or directory."),
        (["--jobs", ""], "the file cannot be read: Is a directory."),
        (["--database", "mysql://h/d"], "--database: databases of the kind 'mysql' are not supp"),
        (["--database", "cronicorn.db"], "--database: the database is not given as a URL"),
        (["--database", ""], "--database: the database is not given as a URL"),
    ],
)
def test_bad_usage_exits_2(arguments: list[str], told: str) -> None:
    """The place, what is wrong and the remedy; no traceback, and no database was made."""
    result = invoked(*arguments)

    assert result.exit_code == 2
    assert told in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not [*Path.cwd().iterdir()]


def test_a_bad_jobs_file_exits_2_with_all_its_faults(bare: Path) -> None:
    """Nothing is half applied: no database is even opened."""
    (bare / "jobs.yaml").write_text("jobs: [{name: a, endpoints: [{name: b, every: x}]}]")

    result = invoked("--jobs", "jobs.yaml")

    assert result.exit_code == 2
    assert "jobs.yaml:1:30: jobs[0].endpoints[0].url: it is missing. Add `url:`." in result.output
    assert "jobs.yaml:1:47: jobs[0].endpoints[0].every: 'x' is not a length." in result.output
    assert [path.name for path in bare.iterdir()] == ["jobs.yaml"]


def test_a_url_that_is_not_let_out_exits_2_with_the_remedy(bare: Path) -> None:
    """Trap T21: a private target is refused when the file is applied, unless it was allowed."""
    (bare / "jobs.yaml").write_text(
        "jobs: [{name: a, endpoints: [{name: b, every: 2s, url: 'http://127.0.0.1:9000/'}]}]"
    )

    result = invoked("--jobs", "jobs.yaml", "--egress-allow", "127.0.0.1:9001")

    assert result.exit_code == 2
    assert "jobs.yaml:1:56: jobs[0].endpoints[0].url: 127.0.0.1 is" in result.output
    assert "--egress-allow 127.0.0.1" in result.output


def test_a_contradiction_in_the_environment_names_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever reads the message knows what to unset."""
    monkeypatch.setenv("CRONICORN_JOBS", "jobs.yaml")

    result = invoked("--demo")

    assert result.exit_code == 2
    assert "--demo and CRONICORN_JOBS do not go together" in result.output
