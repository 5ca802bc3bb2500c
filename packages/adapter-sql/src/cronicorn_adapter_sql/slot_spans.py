"""
How an update finds its rows in the partitions of runs: by their ids, within one span of slots.

The span is a parameter, so PostgreSQL leaves out the other days before the statement begins. Were
a row's slot compared with what another row holds, it would choose partitions anew for each row, out
of memory that is freed once a row lock of the same statement meets a row written meanwhile: the
backend dies of that, and with it every session of the server (seen on 18.6).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from cronicorn_adapter_sql.mapping_jobs import Values

LONGEST: Final = timedelta(days=7)
"""The longest span: each row is looked for in every partition that a span touches."""

WITHIN: Final = (
    "runs.slot BETWEEN %(first)s::timestamptz + interval '0'"
    " AND %(last)s::timestamptz + interval '0'"
)
"""
The condition. What is added keeps the planner from weighing the values: it would find the plan for
these values better than one for all, and so plan each batch anew.
"""


def span(slots: Sequence[datetime]) -> Mapping[str, datetime]:
    """Return the parameters of the condition for these slots; there must be some."""
    return {"first": min(slots), "last": max(slots)}


def by_span(rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
    """Divide rows with a ``slot`` so that the slots of each part are within one span."""
    part: list[Values] = []
    for row in sorted(rows, key=lambda each: each["slot"]):
        if part and row["slot"] - part[0]["slot"] > LONGEST:
            yield part
            part = []
        part.append(row)
    if part:
        yield part
