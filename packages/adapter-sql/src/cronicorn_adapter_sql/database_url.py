"""Which database is meant: a SQLite file or a PostgreSQL server. The driver is our business."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cronicorn_domain.errors import InvalidInput
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

FORMS: Final = "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteDatabase:
    """A SQLite file, and the text it is called by."""

    path: Path

    def __str__(self) -> str:
        """Name the file as it would be given."""
        return f"sqlite:///{self.path}"

    @property
    def key_path(self) -> Path:
        """Where the secret keys lie: beside the database, with the suffix ``.key``."""
        beside = self.path.with_suffix(".key")
        return beside if beside != self.path else self.path.with_name(f"{self.path.name}.key")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDatabase:
    """
    A PostgreSQL database.

    ``url`` holds the password and stays inside the adapter; what is shown never does.
    """

    url: URL = field(repr=False)

    def __str__(self) -> str:
        """Name the server and database, without the password and parameters that may hold one."""
        return self.url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)

    def __repr__(self) -> str:
        """Show the same as ``str``."""
        return f"PostgresDatabase({self!s})"


DatabaseUrl = SqliteDatabase | PostgresDatabase


def parse_database_url(text: str) -> DatabaseUrl:
    """
    Read ``sqlite:///FILE``, ``postgresql://…`` or ``postgres://…``.

    Parameters of libpq may follow a PostgreSQL URL (``?sslmode=require``). A path without a leading
    fourth slash is relative to the current directory.

    Raises:
        InvalidInput: it is neither, or a SQLite database without a file. The message repeats
            nothing behind the scheme, since a password may stand there.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        raise _refused("the database is not given as a URL", FORMS)
    match scheme.lower():
        case "sqlite":
            return SqliteDatabase(path=_file(rest))
        case "postgresql" | "postgres":
            return PostgresDatabase(url=_server(rest))
        case other if other.partition("+")[0] in {"sqlite", "postgresql", "postgres"}:
            raise _refused(f"the database URL chooses a driver ({scheme})", FORMS)
        case _:
            raise _refused(f"databases of the kind {scheme[:20]!r} are not supported", FORMS)


def _file(rest: str) -> Path:
    """Read what follows ``sqlite://``."""
    name = rest.removeprefix("/")
    if name in {"", ":memory:"} or name.startswith("file:"):
        raise _refused(
            "SQLite in memory would be a database of its own for every connection",
            "name a file: sqlite:///cronicorn.db",
        )
    if name == rest:
        raise _refused(
            "a SQLite URL has no host",
            "write three slashes before a relative path, four before an absolute one",
        )
    if "?" in name or "\0" in name:
        raise _refused(
            "a SQLite URL ends with the file's name", "leave out what follows the question mark"
        )
    return Path(name)


def _server(rest: str) -> URL:
    """Read what follows ``postgresql://``; never quote it, a mistyped password may be anywhere."""
    unreadable = _refused(
        "the PostgreSQL URL cannot be read",
        f"{FORMS}; signs like @ : / % in a password are written as %40 %3A %2F %25",
    )
    if rest.partition("?")[0].count("@") > 1:  # the end of a password would be taken for a host
        raise unreadable
    try:
        return make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise unreadable from None


def _refused(message: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"{message}: {remedy}", field="database", remedy=remedy)
