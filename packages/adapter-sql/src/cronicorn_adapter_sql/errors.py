"""Where the errors of drivers end: what leaves the adapter is the domain's."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg
from cronicorn_domain.errors import (
    CronicornError,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    UnreadableRow,
)
from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cronicorn_adapter_sql.column_types import metadata

_NO_VIOLATIONS: Final[Mapping[str, CronicornError]] = {}

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PASSING = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_SCHEMA,
}

_CONNECTION_LOST = "08"
_BAD_DATA = "22"
_OPERATOR_INTERVENED = "57P"
_NO_RESOURCES = "53"
_LOCK_HELD: Final = "55P03"
_DEADLOCK: Final = "40P01"
_STATEMENT_TOO_LONG: Final = "57014"
_TIME_RAN_OUT = {_STATEMENT_TOO_LONG, _LOCK_HELD, "25P03", "25P04"}
_CONFLICTS = {"40001", _DEADLOCK}
_IO_ERROR = "58030"
_INTERNAL_ERROR = "XX000"
"""Also what PostgreSQL calls a disk quota that is used up, and a file that may not grow further."""
READ_ONLY: Final = "25006"
_MISSING_TABLES = {"42P01", "42703", "3F000"}

_NO_RIGHT = "42501"
_RIGHTS_REMEDY = (
    "grant it to the role in the URL, or connect as the owner of the tables"
    " (a new database: as the owner of its schema `public`)"
)
_SCHEMA_REMEDY = (
    "the tables are not as this version needs them; `cronicorn-db check` tells what differs, and"
    " what to run"
)


@contextmanager
def translated(violations: Mapping[str, CronicornError] = _NO_VIOLATIONS) -> Iterator[None]:
    """
    Turn every error of a driver inside the block into one of the domain's; it may hold ``await``s.

    Args:
        violations: What the violation of a constraint means here, by the constraint's name
            (``{"uq_jobs_tenant_name": NameTaken("job", name)}``). SQLite tells the names of unique
            and check constraints only, so do not count on foreign keys.

    Raises:
        StoreUnavailable: the connection was lost, something was locked, time ran out, or nothing
            can be written for the time being (the disk is full, a failover left a standby, the
            server met a fault of its own).
        StoreRefused: anything else the database refused: rights, constraint, statement.
        CronicornError: the one in ``violations``.
    """
    try:
        yield
    except (StatementError, PoolTimeout, psycopg.Error, sqlite3.Error) as error:
        raise violations.get(_constraint(error) or "") or translation(error) from error
    except (UnicodeEncodeError, OverflowError) as error:
        # A value that no driver can send; not every driver makes its own error of it.
        raise translation(error) from error


def translation(error: Exception) -> StoreError:
    """Say what an error of a driver means to the domain, in words that hold no stored value."""
    match _behind(error):
        case PoolTimeout():
            return StoreUnavailable(
                "all connections to the database are busy: try again, or allow more of them"
            )
        case sqlite3.Error() as cause:
            return _from_sqlite(cause)
        case psycopg.Error() as cause:
            return _from_postgres(cause)
        case cause:
            return StoreRefused(f"a value cannot be stored ({type(cause).__name__})")


def is_about_values(error: StoreRefused) -> bool:
    """
    Say whether a refusal is about what was to be written: a constraint, or a value without a place.

    Then other rows of the same batch may go through. Rights or missing tables refuse them all.
    """
    match error.__cause__:
        case IntegrityError() | DataError():
            return True
        case DBAPIError() | sqlite3.Error() | psycopg.Error():
            return False
        case _:
            return True


def is_about_locks(error: StoreError) -> bool:
    """Say whether somebody else's lock was in the way, so that the same may go through later."""
    match error.__cause__:
        case DBAPIError(orig=sqlite3.Error() as cause):
            return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _LOCKED
        case DBAPIError(orig=psycopg.Error() as cause):
            return cause.sqlstate in {_LOCK_HELD, _DEADLOCK}
        case _:
            return False


def ran_out_of_time(error: StoreError) -> bool:
    """Say whether a statement was ended because it took longer than it may."""
    match error.__cause__:
        case DBAPIError(orig=psycopg.Error() as cause):
            return cause.sqlstate == _STATEMENT_TOO_LONG
        case _:
            return False


def may_be_of_one(error: Exception) -> bool:
    """
    Say whether an error that a batch met may be of one item's making, so that others go through.

    Outages are not, nor refusals that meet all of them.
    """
    if isinstance(error, StoreRefused):
        return is_about_values(error)
    return not isinstance(error, StoreError) or isinstance(error, UnreadableRow)


def _behind(error: BaseException) -> BaseException:
    """Look behind SQLAlchemy's wrapping."""
    return error.orig if isinstance(error, StatementError) and error.orig is not None else error


def _constraint(error: BaseException) -> str | None:
    """Name the constraint that was violated, if one was and the database says which."""
    match _behind(error):
        case psycopg.IntegrityError() as cause:
            return cause.diag.constraint_name
        case sqlite3.IntegrityError() as cause:
            return _constraint_on_sqlite(str(cause))
        case _:
            return None


def _constraint_on_sqlite(message: str) -> str | None:
    """
    Find the name behind SQLite's message.

    It tells a check by its name, an index over an expression or a part as ``index 'name'``, and any
    other unique constraint by its columns only (``jobs.tenant, jobs.name``).
    """
    kind, _, subject = message.partition(" constraint failed: ")
    if kind != "UNIQUE":
        return subject or None
    if subject.startswith("index "):
        return subject.removeprefix("index ").strip("'")
    columns = [column.partition(".") for column in subject.split(", ")]
    table = metadata.tables.get(columns[0][0])
    return None if table is None else _unique_over(table, {name for _, _, name in columns})


def _unique_over(table: Table, columns: set[str]) -> str | None:
    """Name the constraint or index that keeps the columns unique."""
    unique: list[UniqueConstraint | PrimaryKeyConstraint | Index] = [
        *(one for one in table.constraints if isinstance(one, UniqueConstraint)),
        *(index for index in table.indexes if index.unique),
        table.primary_key,
    ]
    names = (one.name for one in unique if {column.name for column in one.columns} == columns)
    return next((str(name) for name in names if name is not None), None)


def _from_sqlite(cause: sqlite3.Error) -> StoreError:
    """Judge by SQLite's own code; the low byte is the kind, the rest its detail."""
    code = getattr(cause, "sqlite_errorcode", None)
    kind = None if code is None else code & 0xFF
    if kind in _LOCKED:
        return StoreUnavailable(
            "the database is locked by another connection: end that one, or try again"
        )
    if kind in _PASSING:
        return StoreUnavailable(f"the database could not do it now: {cause}")
    if str(cause).startswith(("no such table", "no such column")):
        return StoreRefused(f"{cause}: {_SCHEMA_REMEDY}")
    return StoreRefused(f"the database refused: {cause}")


def _from_postgres(cause: psycopg.Error) -> StoreError:
    """
    Judge by SQLSTATE; an error without one never reached the server, or lost it.

    Only the primary message is repeated, since the detail would quote rows; about data that cannot
    be meant not even that, since it would quote the value.
    """
    state = cause.sqlstate
    if state is None:
        return _without_state(cause)
    message = cause.diag.message_primary or type(cause).__name__
    if state.startswith(_BAD_DATA):
        return StoreRefused(f"a value cannot be stored ({type(cause).__name__})")
    if state in _MISSING_TABLES:
        return StoreRefused(f"{message}: {_SCHEMA_REMEDY}")
    if state == _NO_RIGHT:
        return StoreRefused(f"{message}: {_RIGHTS_REMEDY}")
    passing = (
        state.startswith((_CONNECTION_LOST, _OPERATOR_INTERVENED, _NO_RESOURCES))
        or state in _TIME_RAN_OUT
        or state in _CONFLICTS
        or state in {_IO_ERROR, _INTERNAL_ERROR, READ_ONLY}
    )
    if passing:
        return StoreUnavailable(f"the database could not do it now: {message}")
    return StoreRefused(f"the database refused: {message}")


def _without_state(cause: psycopg.Error) -> StoreError:
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnavailable(f"the connection to the database failed: {first_line(cause)}")
    return StoreRefused(f"the database refused: {first_line(cause)}")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; drivers put hints and quotations behind it."""
    return next(iter(str(error).splitlines()), type(error).__name__)
