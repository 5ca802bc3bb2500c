"""
Parts a window into what sums tell and what roll-ups do.

Runs are in sums of jobs, days and totals once their hours are closed. Roll-ups themselves are added
up only where there is no sum: what is not closed yet, or came too late for that, and what a window
has of an hour or a day at its ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal,
    select,
    type_coerce,
)

from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.lower_bound import FLOOR
from cronicorn_adapter_sql.roll_ups import SIZES
from cronicorn_adapter_sql.shapes import MONTHS, Shape, instant
from cronicorn_adapter_sql.tables import (
    closings,
    endpoint_days,
    endpoint_totals,
    midnights,
    roll_ups,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    What of a window is in sums: all from ``first`` to ``behind``, which may be none.

    The rest is in roll-ups only: what was late, what lies behind, and what lies ``before``; None:
    the window begins where ``first`` is.
    """

    before: BindParameter[datetime] | None
    first: BindParameter[datetime]
    behind: ColumnElement[datetime]

    def summed(self, counted: FromClause) -> Sequence[ColumnElement[bool]]:
        """Say what is in sums."""
        return [counted.c.begins_at >= self.first, counted.c.begins_at < self.behind]

    def parts(self, of_roll_ups: Select[Any]) -> Iterator[Select[Any]]:
        """Select the rest, each part by an index: one with OR would look at all between."""
        begins_at, size = roll_ups.c.begins_at, roll_ups.c.size
        of_any = of_roll_ups.where(size.in_(SIZES))
        if self.before is not None:
            yield of_any.where(begins_at >= instant("since"), begins_at < self.before)
        behind = case((self.behind > self.first, self.behind), else_=self.first)
        yield of_any.where(begins_at >= behind, begins_at <= instant("until"))
        yield of_roll_ups.where(size == "late", *self.summed(roll_ups))


def _closed() -> ColumnElement[datetime]:
    """Say until when hours are closed; all of it is added up from roll-ups where none is."""
    until = select(closings.c.until).scalar_subquery()
    return type_coerce(func.coalesce(until, literal(FLOOR, UtcDateTime())), UtcDateTime())


def whole_hours(shape: Shape) -> Span:
    """Take what has sums by the hour."""
    last = instant("last_hour")
    return Span(
        before=instant("before_hours") if shape.amid_hour else None,
        first=instant("first_hour"),
        behind=case((_closed() < last, _closed()), else_=last),
    )


def whole_days(shape: Shape) -> Span:
    """Take what has sums by the day; one that is not over has a sum as well, of closed hours."""
    behind = case((_closed() <= instant("last_hour"), _closed()), else_=instant("last_day"))
    return Span(
        before=instant("before_days") if shape.amid_day else None,
        first=instant("first_day"),
        behind=behind,
    )


def by_totals(span: Span, total: Select[Any], days: Select[Any]) -> Iterator[Select[Any]]:
    """
    Select the runs of the whole days of a span by what their midnights have, and the rest by days.

    ``total`` selects endpoints and runs of `endpoint_totals`, ``days`` those of `endpoint_days`. Of
    the midnights that there are between the ends of the span the last one adds what its month has,
    and so does each that ends a month before; the first one takes away what its month had by then.
    """
    within = (midnights.c.at >= span.first, midnights.c.at <= span.behind)
    ends = func.min(midnights.c.at).label("first"), func.max(midnights.c.at).label("last")
    made = select(*ends).where(*within).cte("made")
    first, last = (select(each).scalar_subquery() for each in made.c)
    at, begins_at = endpoint_totals.c.at, endpoint_days.c.begins_at
    yield total.where(at.in_(MONTHS), at > first, at <= last)
    yield total.where(at == last, at.not_in(MONTHS))
    id_of, runs = total.selected_columns
    yield total.with_only_columns(id_of, -runs).where(at == first, at.not_in(MONTHS))
    yield days.where(
        begins_at >= span.first, begins_at < _as_instant(func.coalesce(first, span.behind))
    )
    yield days.where(
        and_(begins_at >= _as_instant(func.coalesce(last, span.behind)), begins_at < span.behind)
    )


def _as_instant(value: ColumnElement[Any]) -> ColumnElement[datetime]:
    return type_coerce(value, UtcDateTime())
