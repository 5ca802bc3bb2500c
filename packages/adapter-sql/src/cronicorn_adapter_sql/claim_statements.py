"""
The statements that pick due endpoints, and keep others from picking them, too.

An endpoint is picked by locking its due row, and that alone: no other claim takes it, and no writer
plans it meanwhile, since each locks the row behind the state. What is locked is skipped, so that a
claim never waits. The state is not looked at: each run leaves a dead version of it, and under an
old transaction somewhere a look would walk over all of them.

They are plain limited selects: the limit inside an ``UPDATE … WHERE id IN (SELECT … LIMIT n FOR
UPDATE SKIP LOCKED)`` may be applied again and again by a nested loop, and then leases more than
``n``.

The row is written anew with every change of the state, and brings its revision. So that tells what
is known of the endpoint, and nothing is to be read again.

All look from ``since`` on only, see ``LowerBound``, and read no more rows than they return. Those
of a tenant are asked for by pairs of tenant and instant, which the tenants' index alone serves: by
two conditions PostgreSQL may choose to filter them out of all that is due.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Boolean,
    Integer,
    String,
    TextualSelect,
    TypeDecorator,
    bindparam,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect

from cronicorn_adapter_sql.column_types import UtcDateTime

_SPAN: Final = (
    bindparam("since", type_=UtcDateTime()),
    bindparam("now", type_=UtcDateTime()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PickStatements:
    """
    What picks endpoints: whose, where to, since when due, and the state's ``revision``.

    Attributes:
        oldest: The ``limit`` longest overdue; ``several`` says whether there is another tenant,
            ``broken`` whether any host has failed ``breaks`` times in a row.
        shares: The ``share`` longest overdue of each of ``tenants``.
    """

    oldest: TextualSelect
    shares: TextualSelect


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimStatements:
    """
    What picks on a dialect: from all endpoints, from all but ``but``, or those of ``again`` alone.

    The last finds them by their state, which tells where the row is, however far below.
    """

    all: PickStatements
    all_but: PickStatements
    again: TextualSelect


class _JsonIds(TypeDecorator[Sequence[UUID]]):
    """Ids as a JSON list of the text that SQLite keeps them as: its way of giving a set at once."""

    impl = String
    cache_ok = True

    def process_bind_param(
        self,
        value: Sequence[UUID] | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> str:
        """Write the list."""
        return json.dumps([each.hex for each in value or ()])


def _returning(sql: str, *given: BindParameter[Any]) -> TextualSelect:
    return (
        text(sql)
        .bindparams(*given)
        .columns(
            endpoint_id=UuidType(),
            tenant=UuidType(),
            host=String(),
            due_at=UtcDateTime(),
            revision=Integer(),
            state_at=String(),
            several=Boolean(),
            broken=Boolean(),
        )
    )


def _statements(
    *,
    oldest: str,
    shares: str,
    again: str,
    without: str,
    tenants: BindParameter[Any],
    but: BindParameter[Any],
    met: BindParameter[Any],
) -> ClaimStatements:
    """Build them; ``without`` is the condition that leaves some out, placed before the order."""

    def leaving(sql: str) -> str:
        condition, order, how = sql.rpartition(" ORDER BY")
        return f"{condition} AND {without}{order}{how}"

    return ClaimStatements(
        all=PickStatements(
            oldest=_returning(oldest, *_SPAN), shares=_returning(shares, *_SPAN, tenants)
        ),
        all_but=PickStatements(
            oldest=_returning(leaving(oldest), *_SPAN, but),
            shares=_returning(leaving(shares), *_SPAN, tenants, but),
        ),
        again=_returning(again, bindparam("now", type_=UtcDateTime()), met),
    )


_SEVERAL: Final = (
    # The first and the last of the tenants that have jobs: two steps into an index, once for all
    # rows. Where they are one, nobody else waits, and no turn has to be looked for.
    "(SELECT tenant FROM jobs ORDER BY tenant LIMIT 1)"
    " <> (SELECT tenant FROM jobs ORDER BY tenant DESC LIMIT 1) AS several"
)

_BROKEN: Final = "EXISTS (SELECT 1 FROM breakers WHERE failures >= :breaks) AS broken"
"""Whether a breaker is open anywhere: asked once for all rows, and else nothing is asked."""

_PICKED: Final = (
    "SELECT d.endpoint_id, d.tenant, d.host, d.due_at, d.revision, d.state_at,"
    f" {_SEVERAL}, {_BROKEN}"
)
_OLDEST: Final = (
    f"{_PICKED} FROM due AS d"
    " WHERE d.due_at >= :since AND d.due_at <= :now"
    " ORDER BY d.due_at, d.endpoint_id LIMIT :limit"
)

_AGAIN: Final = (
    f"{_PICKED} FROM endpoint_state AS s"
    " JOIN due AS d ON d.due_at = s.due_at AND d.endpoint_id = s.endpoint_id"
    " WHERE s.endpoint_id {among} AND d.due_at <= :now ORDER BY d.due_at, d.endpoint_id"
)

_POSTGRES: Final = _statements(
    oldest=f"{_OLDEST} FOR UPDATE OF d SKIP LOCKED",
    shares=(
        "SELECT one.endpoint_id, one.tenant, one.host, one.due_at, one.revision, one.state_at"
        " FROM unnest(:tenants) AS t(tenant) CROSS JOIN LATERAL ("
        " SELECT d.endpoint_id, d.tenant, d.host, d.due_at, d.revision, d.state_at FROM due AS d"
        " WHERE (d.tenant, d.due_at) >= (t.tenant, :since)"
        " AND (d.tenant, d.due_at) <= (t.tenant, :now)"
        " ORDER BY d.tenant, d.due_at LIMIT :share"
        " FOR UPDATE OF d SKIP LOCKED"
        ") AS one"
    ),
    again=f"{_AGAIN.format(among='= ANY(:again)')} FOR UPDATE OF d SKIP LOCKED",
    without="d.endpoint_id <> ALL(:but)",
    tenants=bindparam("tenants", type_=ARRAY(UuidType())),
    but=bindparam("but", type_=ARRAY(UuidType())),
    met=bindparam("again", type_=ARRAY(UuidType())),
)
_SQLITE: Final = _statements(
    oldest=_OLDEST,
    # Ranking the rows of a tenant would read its whole backlog; the limit within reads the share.
    shares=(
        "SELECT d.endpoint_id, d.tenant, d.host, d.due_at, d.revision, d.state_at"
        " FROM json_each(:tenants) AS t CROSS JOIN due AS d WHERE d.rowid IN ("
        " SELECT d.rowid FROM due AS d"
        " WHERE d.tenant = t.value AND d.due_at >= :since AND d.due_at <= :now"
        " ORDER BY d.due_at LIMIT :share)"
    ),
    again=_AGAIN.format(among="IN (SELECT value FROM json_each(:again))"),
    without="d.endpoint_id NOT IN (SELECT value FROM json_each(:but))",
    tenants=bindparam("tenants", type_=_JsonIds()),
    but=bindparam("but", type_=_JsonIds()),
    met=bindparam("again", type_=_JsonIds()),
)
CLAIM_STATEMENTS: Final = {"postgresql": _POSTGRES, "sqlite": _SQLITE}

FRESH_TENANTS: Final = (
    text(
        "SELECT DISTINCT tenant FROM (SELECT tenant FROM due"
        " WHERE due_at > :since AND due_at <= :now ORDER BY due_at DESC LIMIT :most) AS fresh"
    )
    .bindparams(*_SPAN)
    .columns(tenant=UuidType())
)
"""The tenants of the ``most`` rows that came last, as far as they came after ``since``."""

NEXT_TENANTS: Final = (
    # Stepped through the jobs, whose index no run writes to: among the due rows a step would walk
    # over all that a busy tenant has left behind.
    text(
        "WITH RECURSIVE step(tenant, number) AS ("
        " SELECT (SELECT tenant FROM jobs WHERE tenant >= :onward ORDER BY tenant LIMIT 1), 1"
        " UNION ALL"
        " SELECT (SELECT j.tenant FROM jobs AS j WHERE j.tenant > step.tenant"
        "  ORDER BY j.tenant LIMIT 1), step.number + 1"
        " FROM step WHERE step.tenant IS NOT NULL AND step.number < :most"
        ") SELECT tenant, (SELECT d.due_at FROM due AS d"
        "  WHERE (d.tenant, d.due_at) >= (step.tenant, :since)"
        "  AND (d.tenant, d.due_at) <= (step.tenant, :now)"
        "  ORDER BY d.tenant, d.due_at LIMIT 1) IS NOT NULL AS waits"
        " FROM step WHERE tenant IS NOT NULL ORDER BY tenant"
    )
    .bindparams(*_SPAN, bindparam("onward", type_=UuidType()))
    .columns(tenant=UuidType(), waits=Boolean())
)
"""The ``most`` tenants from ``onward`` on, and whether they have anything due."""
