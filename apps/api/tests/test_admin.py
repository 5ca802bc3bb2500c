"""The commands of whoever runs the installation: people and keys, on a database of their own."""

import re
from pathlib import Path

import pytest
from cronicorn_api.command import app
from typer.testing import CliRunner

PASSWORD = "correct horse battery staple"


@pytest.fixture
def ask(bare: Path):
    """Call the command in a folder of its own; give its exit code and what it said."""
    runner = CliRunner()

    def asking(*arguments: str, typed: str = "") -> tuple[int, str]:
        done = runner.invoke(app, arguments, input=typed)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert PASSWORD not in done.output
        return done.exit_code, done.output

    return asking


def test_people_are_added_listed_and_disabled(ask) -> None:
    """The password comes from standard input; the list tells the state, and what there is not."""
    added = ask("people", "add", "Ada@example.org", "--name", "Ada L.", typed=f"{PASSWORD}\n")
    again = ask("people", "add", "ada@example.org", typed=f"{PASSWORD}\n")
    short = ask("people", "add", "bob@example.org", typed="short\n")
    listed = ask("people", "list")
    disabled = ask("people", "disable", "ada@example.org")
    after = ask("people", "list")

    assert added[0] == disabled[0] == 0
    assert (again[0], "in use" in again[1]) == (1, True)
    assert (short[0], "12 to 256 characters" in short[1]) == (2, True)
    assert re.search(r"ada@example\.org  Ada L\.  read,write  \S+  enabled\n", listed[1])
    assert re.search(r"ada@example\.org .* disabled since \S+Z\n", after[1])
    assert ask("people", "disable", "eve@example.org")[0] == 1
    assert ask("people", "enable", "ada@example.org")[0] == 0
    assert "disabled" not in ask("people", "list")[1]
    assert ask("people", "password", "ada@example.org", typed=f"new {PASSWORD}\n")[0] == 0


def test_keys_are_issued_listed_and_revoked(ask) -> None:
    """The key is all that is printed when it is issued, so that a script can take it."""
    code, key = ask("keys", "issue", "deploy", "--scopes", "read", "--days", "30")
    assert (code, bool(re.fullmatch(r"cc_\S{43}\n", key))) == (0, True)

    listed = ask("keys", "list")[1]
    identity = listed.splitlines()[1].split()[0]

    assert key.strip() not in listed
    assert ask("keys", "revoke", identity)[0] == 0
    assert identity not in ask("keys", "list")[1]
    assert ask("keys", "revoke", identity)[0] == 1


def test_what_is_typed_wrongly_is_told(ask) -> None:
    """With 2, and without a database being made better or worse."""
    for arguments in (
        ("keys", "issue", "deploy", "--scopes", "everything"),
        ("keys", "list", "--tenant", "mine"),
        ("people", "disable", "ada"),
    ):
        code, told = ask(*arguments)
        assert code == 2
        assert told.startswith("cronicorn-api: ")


def test_a_tenant_is_begun_with_its_first_person(ask) -> None:
    """And is told, so that more can be added; no other tenant lists them."""
    told = ask(
        "people",
        "add",
        "ada@example.org",
        "--tenant",
        "new",
        "--scopes",
        "read,write,admin",
        typed=f"{PASSWORD}\n",
    )[1]
    tenant = told.split()[-1]

    assert "ada@example.org" not in ask("people", "list")[1]
    assert "ada@example.org" in ask("people", "list", "--tenant", tenant)[1]
