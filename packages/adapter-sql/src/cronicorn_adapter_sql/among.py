"""Conditions on many values at once, as each dialect likes them best."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, TypeDecorator, any_, bindparam, cast
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect


def among(column: ColumnElement[Any], name: str, *, dialect: str) -> ColumnElement[bool]:
    """
    Return the condition that a column of ids or numbers has one of the values in ``name``.

    On PostgreSQL they are one array, so that the statement is the same text however many there
    are, and stays prepared.
    """
    if dialect == "sqlite":
        return column.in_(bindparam(name, expanding=True, type_=column.type))
    return column == any_(cast(bindparam(name, type_=ArrayText()), ARRAY(column.type)))


class ArrayText(TypeDecorator[Collection[UUID | int]]):
    """An array as its text, which the driver passes on; to bind each value would cost it more."""

    impl = String
    cache_ok = True

    def process_bind_param(
        self,
        value: Collection[UUID | int] | None,
        dialect: Dialect,  # noqa: ARG002  the base class passes it by this name
    ) -> str:
        """Write the array: ids and numbers need no quotes."""
        return f"{{{','.join(map(str, value or ()))}}}"
