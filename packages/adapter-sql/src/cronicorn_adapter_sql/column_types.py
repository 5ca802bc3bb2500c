"""What every table is made of: the base class of rows, names of constraints, UTC instants, JSON."""

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import JSON, DateTime, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
"""
All tables of the adapter. Every constraint has a name that is the same on both dialects, so that
migrations can drop it and errors can be told apart by it. A check must be given its own part of it.
"""


class Row(SQLModel):
    """The base of every table's class. Rows are not entities: mappings turn one into the other."""

    metadata: ClassVar[MetaData] = metadata


class UtcDateTime(TypeDecorator[datetime]):
    """
    Aware instants in, aware UTC instants out, on every dialect.

    On SQLite an instant is text of fixed width (``YYYY-MM-DD HH:MM:SS.ffffff``, in UTC), so that
    text order is time order. A naive value is refused.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Take the dialect's own type; SQLite's knows no zones."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn to UTC; on SQLite drop the zone that its text has no place for."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"naive instant {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002  the base class passes it by this name
    ) -> datetime | None:
        """Give every instant the zone UTC, also where the driver reads another one or none."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


PLAIN_TEXT = String().with_variant(String(collation="C"), "postgresql")
"""Text that is its bytes, whatever language the database speaks: its order, and what is small."""

JSON_DOCUMENT = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; ``None`` is SQL's null. PostgreSQL does not keep the order of its keys."""
