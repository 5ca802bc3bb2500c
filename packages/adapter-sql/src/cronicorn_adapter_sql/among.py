"""Conditions on many values at once, as each dialect likes them best."""

from typing import Any

from sqlalchemy import ColumnElement, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: ColumnElement[Any], name: str, *, dialect: str) -> ColumnElement[bool]:
    """
    Return the condition that a column has one of the values in the parameter ``name``.

    On PostgreSQL they are one array, so that the statement is the same text however many there
    are, and stays prepared.
    """
    if dialect == "sqlite":
        return column.in_(bindparam(name, expanding=True, type_=column.type))
    return column == any_(bindparam(name, type_=ARRAY(column.type)))
