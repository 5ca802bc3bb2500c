"""
The statements of the quota guard, the same on both dialects.

What is checked against a limit is one row of the month and the reservations that live: neither
grows with what was used. ``LOCK_TOTAL`` and ``LOCK_PACE`` make the row if there is none, lock it
and read it, all in one: two first asks at once do not both find nothing.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, TextClause, TextualSelect, Uuid, bindparam, text
from sqlalchemy.types import Text, TypeEngine

from cronicorn_adapter_sql.column_types import UtcDateTime

_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "tenant": Uuid(),
    "meter": Text(),
    "month": UtcDateTime(),
    "now": UtcDateTime(),
    "id": Uuid(),
    "amount": BigInteger(),
    "expires_at": UtcDateTime(),
    "begun": UtcDateTime(),
    "most": BigInteger(),
}


def _given(*names: str) -> list[BindParameter[Any]]:
    return [bindparam(name, type_=_TYPES[name]) for name in names]


def _write(sql: str, *names: str) -> TextClause:
    return text(sql).bindparams(*_given(*names))


_OF_MONTH: Final = "tenant = :tenant AND meter = :meter AND month = :month"
_HOLDS: Final = f"(SELECT coalesce(sum(amount), 0) FROM quota_holds WHERE {_OF_MONTH}"  # noqa: S608  our own names

STANDING: Final[TextualSelect] = (
    _write(
        "SELECT coalesce((SELECT used FROM usage_totals"  # noqa: S608  our own names
        f" WHERE {_OF_MONTH}), 0) AS used, {_HOLDS} AND expires_at > :now) AS held,"
        f" {_HOLDS} AND expires_at <= :now) AS lapsed",
        "tenant",
        "meter",
        "month",
        "now",
    )
).columns(used=BigInteger(), held=BigInteger(), lapsed=BigInteger())

LOCK_TOTAL: Final[TextualSelect] = _write(
    "INSERT INTO usage_totals (tenant, meter, month, used) VALUES (:tenant, :meter, :month, 0)"
    " ON CONFLICT (tenant, meter, month) DO UPDATE SET used = usage_totals.used RETURNING used",
    "tenant",
    "meter",
    "month",
).columns(used=BigInteger())

ADD_ENTRY: Final[TextualSelect] = _write(
    "INSERT INTO usage_entries (id, tenant, meter, month, amount, at)"
    " VALUES (:id, :tenant, :meter, :month, :amount, :now)"
    " ON CONFLICT (id) DO NOTHING RETURNING amount",
    "id",
    "tenant",
    "meter",
    "month",
    "amount",
    "now",
).columns(amount=BigInteger())

ADD_TO_TOTAL: Final = _write(
    "INSERT INTO usage_totals (tenant, meter, month, used)"
    " VALUES (:tenant, :meter, :month, :amount)"
    " ON CONFLICT (tenant, meter, month)"
    " DO UPDATE SET used = usage_totals.used + excluded.used",
    "tenant",
    "meter",
    "month",
    "amount",
)

ADD_HOLD: Final = _write(
    "INSERT INTO quota_holds (id, tenant, meter, month, amount, expires_at)"
    " VALUES (:id, :tenant, :meter, :month, :amount, :expires_at)",
    "id",
    "tenant",
    "meter",
    "month",
    "amount",
    "expires_at",
)

END_HOLD: Final = _write("DELETE FROM quota_holds WHERE id = :id", "id")

SWEEP_HOLDS: Final = _write(
    "DELETE FROM quota_holds WHERE tenant = :tenant AND meter = :meter AND expires_at <= :now",
    "tenant",
    "meter",
    "now",
)

LAPSED: Final[TextualSelect] = _write(
    "SELECT id, month, amount, expires_at FROM quota_holds"
    " WHERE tenant = :tenant AND meter = :meter AND expires_at <= :now ORDER BY expires_at, id",
    "tenant",
    "meter",
    "now",
).columns(id=Uuid(), month=UtcDateTime(), amount=BigInteger(), expires_at=UtcDateTime())

LOCK_PACE: Final[TextualSelect] = _write(
    "INSERT INTO quota_paces (tenant, meter, begun) VALUES (:tenant, :meter, :now)"
    " ON CONFLICT (tenant, meter) DO UPDATE SET begun = quota_paces.begun RETURNING begun",
    "tenant",
    "meter",
    "now",
).columns(begun=UtcDateTime())

SET_PACE: Final = _write(
    "UPDATE quota_paces SET begun = :begun WHERE tenant = :tenant AND meter = :meter",
    "begun",
    "tenant",
    "meter",
)

NEWEST_ENTRIES: Final[TextualSelect] = _write(
    f"SELECT amount, at FROM usage_entries WHERE {_OF_MONTH}"  # noqa: S608  our own names
    " ORDER BY at DESC, id DESC LIMIT :most",
    "tenant",
    "meter",
    "month",
    "most",
).columns(amount=BigInteger(), at=UtcDateTime())
