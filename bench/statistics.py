"""What PostgreSQL says of a database: how many statements, how long claims, what is dead."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import psycopg

_STATEMENTS = """
SELECT coalesce(sum(calls), 0)::bigint,
       coalesce(sum(total_exec_time) FILTER (WHERE query ILIKE ANY (%(claims)s)), 0)::float
FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid WHERE datname = %(name)s
"""
_DEAD = "SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """
    What was executed in a database so far.

    ``claiming``, the time that claims took, all statements of each together, is in milliseconds.
    """

    calls: int
    claiming: float

    @classmethod
    def of(cls, database: str, server: str, *, claims: Sequence[str]) -> Self:
        """
        Ask, from another database, so as not to count.

        ``claims`` are patterns of the statements that make a claim.
        """
        with psycopg.connect(server, autocommit=True) as connection:
            name = urlsplit(database).path.removeprefix("/")
            given = {"name": name, "claims": list(claims)}
            row = connection.execute(_STATEMENTS, given).fetchone()
        assert row is not None
        return cls(calls=row[0], claiming=row[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTransaction:
    """A transaction that holds vacuum back: its age in seconds, and the dead rows it kept."""

    age: float
    dead_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransaction:
    """A transaction that is open."""

    database: str
    began: float

    def look(self) -> OldTransaction:
        """Say how old it is, and what it has kept so far."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            row = connection.execute(_DEAD).fetchone()
        assert row is not None
        return OldTransaction(age=round(time.monotonic() - self.began, 1), dead_rows=row[0])


@contextmanager
def open_transaction(database: str) -> Iterator[OpenTransaction]:
    """Hold a snapshot open, as a forgotten report would."""
    with psycopg.connect(database) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM pg_class")
        connection.execute("SELECT pg_current_xact_id()")
        yield OpenTransaction(database=database, began=time.monotonic())
        connection.rollback()
