"""
What a database says of its own tables, part by part, so that two can be compared.

Alembic compares tables, columns and indexes with the code, and is blind to checks, primary keys,
conditions of indexes and triggers. The catalog knows all of them. The partitions of days are not in
it: workers make and drop them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from cronicorn_adapter_sql.migrating.postgres_catalog import read_postgres_catalog
from cronicorn_adapter_sql.migrating.sqlite_catalog import read_sqlite_catalog
from cronicorn_adapter_sql.migrating.standing import VERSION_TABLE


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A table, or something of it: a column, a constraint, an index, a trigger."""

    table: str
    kind: str
    name: str

    def __str__(self) -> str:
        """Name it as people do."""
        if not self.table:
            return f"the {self.kind}"
        if self.name == self.table:
            return f"the {self.kind} {self.name}"
        return f"the {self.kind} {self.name} of {self.table}"


Catalog = Mapping[Part, str]
"""The parts, each with the words that the database itself has for it."""

_READERS: Final = {"sqlite": read_sqlite_catalog, "postgresql": read_postgres_catalog}


def read_catalog(connection: Connection) -> Catalog:
    """Read the catalog of the schema in which tables are found first."""
    rows = _READERS[connection.dialect.name](connection)
    return {
        Part(table=table, kind=kind, name=name): definition
        for table, kind, name, definition in rows
        if table != VERSION_TABLE
    }
