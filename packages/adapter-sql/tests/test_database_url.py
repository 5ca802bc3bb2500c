"""Database URLs: what is accepted, what is refused, and that passwords stay unseen."""

from pathlib import Path

import pytest
from cronicorn_adapter_sql.database_url import (
    PostgresDatabase,
    SqliteDatabase,
    parse_database_url,
)
from cronicorn_domain.errors import InvalidInput

PASSWORD = "hunter2"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///cronicorn.db", "cronicorn.db"),
        ("sqlite:////var/lib/cronicorn.db", "/var/lib/cronicorn.db"),
        ("sqlite:///with space/100%.db", "with space/100%.db"),
        ("  sqlite:///trimmed.db\n", "trimmed.db"),
        ("SQLite:///case.db", "case.db"),
    ],
)
def test_three_slashes_are_relative_and_four_absolute(text: str, path: str) -> None:
    """A SQLite URL names the file behind its third slash."""
    assert parse_database_url(text) == SqliteDatabase(path=Path(path))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "POSTGRES"])
def test_both_names_of_postgresql_mean_the_same(scheme: str) -> None:
    """``postgres://`` is ``postgresql://``; the driver is chosen by us."""
    database = parse_database_url(f"{scheme}://ada:{PASSWORD}@db.example:6432/cron?sslmode=require")

    assert isinstance(database, PostgresDatabase)
    assert database.url.drivername == "postgresql+psycopg"
    assert (database.url.host, database.url.port) == ("db.example", 6432)
    assert (database.url.username, database.url.password) == ("ada", PASSWORD)
    assert database.url.database == "cron"
    assert database.url.query == {"sslmode": "require"}


def test_a_password_may_be_percent_encoded() -> None:
    """Signs that mean something in a URL are written encoded."""
    database = parse_database_url("postgresql://ada:p%40ss%2Fword@db.example/cron")

    assert isinstance(database, PostgresDatabase)
    assert database.url.password == "p@ss/word"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not given as a URL"),
        ("cronicorn.db", "not given as a URL"),
        ("mysql://localhost/x", "'mysql' are not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite://:memory:", "in memory"),
        ("sqlite:///file:x?mode=memory", "in memory"),
        ("sqlite://relative.db", "three slashes"),
        ("sqlite:///x.db?mode=ro", "question mark"),
        ("sqlite:///x\0.db", "question mark"),
        ("sqlite+aiosqlite:///x.db", "chooses a driver (sqlite+aiosqlite)"),
        ("postgresql+asyncpg://localhost/x", "chooses a driver (postgresql+asyncpg)"),
        ("postgresql://localhost:port/x", "cannot be read"),
    ],
)
def test_anything_else_is_refused_with_the_remedy(text: str, says: str) -> None:
    """What cannot be meant names the setting at fault and what to write instead."""
    with pytest.raises(InvalidInput) as refusal:
        parse_database_url(text)

    assert says in str(refusal.value)
    assert refusal.value.field == "database"
    assert refusal.value.remedy is not None
    assert refusal.value.remedy in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://ada:{PASSWORD}@db.example/cron",
        f"postgresql://db.example/cron?user=ada&password={PASSWORD}",
    ],
)
def test_a_password_is_never_shown(text: str) -> None:
    """Neither the text nor the representation of a database holds its password (trap T43)."""
    database = parse_database_url(text)

    assert PASSWORD not in str(database)
    assert PASSWORD not in repr(database)
    assert "db.example/cron" in str(database)
    assert "db.example/cron" in repr(database)


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://ada:12:{PASSWORD}@db.example:x/cron",
        f"postgresql://ada:a@b/{PASSWORD}:x@db.example:5432x/cron",
        f"postgresql://ada:p@{PASSWORD}@db.example/cron",
        f"postgresql+psycopg://ada:{PASSWORD}@db.example/cron",
        f"{PASSWORD}",
    ],
)
def test_a_refusal_does_not_repeat_what_may_be_a_password(text: str) -> None:
    """The message of a URL that cannot be read quotes nothing behind its scheme (trap T43)."""
    with pytest.raises(InvalidInput) as refusal:
        parse_database_url(text)

    assert PASSWORD not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("cronicorn.db", "cronicorn.key"),
        ("/data/cronicorn.sqlite3", "/data/cronicorn.key"),
        ("bare", "bare.key"),
        ("odd.key", "odd.key.key"),
    ],
)
def test_the_key_file_lies_beside_the_database(file: str, key: str) -> None:
    """Secret keys of an embedded database are kept in a file of its stem, never in itself."""
    assert SqliteDatabase(path=Path(file)).key_path == Path(key)
