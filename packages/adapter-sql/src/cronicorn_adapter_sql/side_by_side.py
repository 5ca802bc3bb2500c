"""Several questions asked as one: a page that is told many things waits for the database once."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    CompoundSelect,
    Label,
    Select,
    cast,
    literal_column,
    null,
    select,
    union_all,
)

from cronicorn_adapter_sql.mapping_jobs import Columns

_PART: Final = "part"


def side_by_side(**parts: Select[Any]) -> CompoundSelect[Any]:
    """
    Ask several questions as one; `rows_of` takes the answers apart.

    The order of each part's rows is lost; limits hold.
    """
    asked = {name: part.subquery(name) for name, part in parts.items()}

    def told(own: str) -> list[Label[Any]]:
        return [
            (column if name == own else cast(null(), column.type)).label(_label(name, column.key))
            for name, of in asked.items()
            for column in of.c
        ]

    return union_all(
        *(select(literal_column(f"'{name}'").label(_PART), *told(name)) for name in asked)
    )


def rows_of(name: str, rows: Sequence[Columns]) -> Sequence[Columns]:
    """Return the rows that one of the questions was answered, under their own names."""
    own = f"{name}__"
    return [
        {key.removeprefix(own): value for key, value in row.items() if key.startswith(own)}
        for row in rows
        if row[_PART] == name
    ]


def _label(name: str, column: str) -> str:
    return f"{name}__{column}"
