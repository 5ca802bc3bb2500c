# ruff: noqa: S608  names of our own tables and columns only
"""
The breakers of hosts: counted after a settle, asked by a claim, and only where something fails.

What a settle has accepted is counted behind it, by a transaction of its own: it is a count of what
happened, and neither keeps a result from being stored nor is kept waiting by one. While all is well
nothing is written and nothing more is asked: the statements of settle and claim say in passing
whether a host is in trouble.

One claim at a time can let a probe through: it locks the breaker's row, and who finds it locked
holds its calls back.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from cronicorn_domain.errors import StoreError
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.breaker import Breaker, Trouble
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.policies.breaking import Word, tallied, word_on_host
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Text,
    TextualSelect,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.bulk import Bulk, changing, columns_of, insertion, recordset
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.tables import breakers

NEVER: Final = 2**31 - 1
"""More failures than there are: a claim without a breaker asks for hosts with so many."""


class Called(NamedTuple):
    """A host as one tenant's endpoints call it: what a breaker is kept for."""

    tenant: TenantId
    host: str


def called_by(endpoint: Endpoint) -> Called:
    """Return the host that an endpoint calls."""
    return Called(endpoint.tenant, endpoint.request.host)


@dataclass(slots=True)
class Heard:
    """What settled runs say of their hosts, until it is counted."""

    _words: defaultdict[Called, list[Word]] = field(default_factory=lambda: defaultdict(list))
    _known_well: set[Called] = field(default_factory=set)

    def hear(self, called: Called, outcome: Outcome, *, well: bool) -> None:
        """Take an outcome; ``well``: nothing is counted against its host so far."""
        self._words[called].append(word_on_host(outcome))
        if well:
            self._known_well.add(called)

    async def count(self, engine: AsyncEngine, now: datetime) -> None:
        """
        Count what was heard, and forget it. A store that cannot take it loses a count, no more.
        """
        words, self._words = self._words, defaultdict(list)
        well, self._known_well = self._known_well, set()
        tallies = {called: tallied(said) for called, said in sorted(words.items())}
        cleared = [
            _key(called) for called, each in tallies.items() if each.cleared and called not in well
        ]
        failing = [
            {**_key(called), "failures": each.failures, "failed_at": now}
            for called, each in tallies.items()
            if each.failures
        ]
        if not cleared and not failing:
            return
        with suppress(StoreError), translated():
            # Not together: two that clear and add in turn would each wait for the other's rows.
            for bulk, rows in ((_CLEAR, cleared), (_ADD, failing)):
                if rows:
                    async with engine.begin() as connection:
                        await bulk.run(connection, rows)


@dataclass(slots=True)
class Gate:
    """The open breakers that a claim has met: what may pass them, and what has."""

    breaker: Breaker
    now: datetime
    open: dict[Called, Trouble] = field(default_factory=dict)
    _probes: set[Called] = field(default_factory=set)
    _used: set[Called] = field(default_factory=set)

    async def look(self, connection: AsyncConnection, called: Sequence[Called]) -> None:
        """
        Find which of the hosts that are called have an open breaker, and which may be tried.

        Only as these tenants call them: whoever else calls a host is to find its breaker free.
        """
        dialect = connection.dialect.name
        given = {"breaks": self.breaker.opens_after, "now": self.now, **_pairs(dialect, called)}
        found = (await connection.execute(_OPEN[dialect], given)).all()
        for each in found:
            key = Called(TenantId(each.tenant), each.host)
            self.open[key] = Trouble(host=each.host, failures=each.failures, probe_at=each.probe_at)
        if any(each.may_probe(self.now) for each in self.open.values()):
            free = (await connection.execute(_PROBES[dialect], given)).all()
            self._probes = {Called(TenantId(each.tenant), each.host) for each in free}

    def holds_back(self, called: Called) -> Trouble | None:
        """Return the trouble for which a call is held back; None: it goes out, maybe as a probe."""
        trouble = self.open.get(called)
        if trouble is None:
            return None
        if called in self._probes:
            self._probes.discard(called)
            self._used.add(called)
            return None
        return trouble

    async def write(self, connection: AsyncConnection) -> None:
        """Let no other probe through before its time."""
        until = self.now + self.breaker.probe_every
        await _PROBED.run(connection, [{**_key(each), "probe_at": until} for each in self._used])


async def open_breakers(engine: AsyncEngine, *, opens_after: int) -> int:
    """Count the hosts that calls are held back from, of each tenant by itself."""
    opened = select(func.count()).select_from(breakers).where(breakers.c.failures >= opens_after)
    with translated():
        async with single_statements(read_only(engine)).connect() as connection:
            return (await connection.execute(opened)).scalar_one()


def _key(called: Called) -> Values:
    return {"tenant": called.tenant, "host": called.host}


def _pairs(dialect: str, called: Sequence[Called]) -> Mapping[str, object]:
    pairs = sorted(set(called))
    if dialect == "sqlite":
        return {"called": json.dumps([[tenant.hex, host] for tenant, host in pairs])}
    return {"tenants": [each.tenant for each in pairs], "hosts": [each.host for each in pairs]}


def _statement(condition: str, *, more: str, given: Sequence[BindParameter[Any]]) -> TextualSelect:
    return (
        text(
            "SELECT tenant, host, failures, probe_at FROM breakers"
            f" WHERE failures >= :breaks AND (tenant, host) IN ({condition}){more}"
        )
        .bindparams(
            bindparam("breaks", type_=BigInteger()), bindparam("now", type_=UtcDateTime()), *given
        )
        .columns(tenant=UuidType(), host=Text(), failures=BigInteger(), probe_at=UtcDateTime())
    )


# Both name the instant, so that they take the same parameters.
_ANY_TIME: Final = " AND (probe_at IS NULL OR probe_at > :now OR probe_at <= :now)"
_ITS_TIME: Final = " AND (probe_at IS NULL OR probe_at <= :now)"
_AMONG: Final[Mapping[str, tuple[str, Sequence[BindParameter[Any]]]]] = {
    "postgresql": (
        "SELECT * FROM unnest(:tenants, :hosts)",
        (
            bindparam("tenants", type_=ARRAY(UuidType())),
            bindparam("hosts", type_=ARRAY(Text())),
        ),
    ),
    "sqlite": (
        "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:called)",
        (bindparam("called", type_=Text()),),
    ),
}
_OPEN: Final = {
    dialect: _statement(condition, more=_ANY_TIME, given=given)
    for dialect, (condition, given) in _AMONG.items()
}
_PROBES: Final = {
    dialect: _statement(
        condition,
        more=_ITS_TIME + (" FOR UPDATE SKIP LOCKED" if dialect == "postgresql" else ""),
        given=given,
    )
    for dialect, (condition, given) in _AMONG.items()
}
_KEY: Final = ("tenant", "host")
_GIVEN: Final = recordset(columns_of(breakers, _KEY))
_CLEAR: Final = Bulk(
    columns=_KEY,
    # Whoever has a row counts it at this moment; the next answer clears it.
    postgresql="DELETE FROM breakers USING (SELECT b.tenant, b.host FROM breakers AS b"
    f" JOIN {_GIVEN} ON b.tenant = given.tenant AND b.host = given.host"
    " FOR UPDATE OF b SKIP LOCKED) AS free"
    " WHERE breakers.tenant = free.tenant AND breakers.host = free.host",
    sqlite="DELETE FROM breakers WHERE tenant = ? AND host = ?",
)
_ADD: Final = insertion(
    breakers,
    (*_KEY, "failures", "failed_at"),
    more="ON CONFLICT (tenant, host) DO UPDATE"
    " SET failures = breakers.failures + excluded.failures, failed_at = excluded.failed_at",
)
_PROBED: Final = changing(breakers, ("probe_at",), keys=_KEY)
