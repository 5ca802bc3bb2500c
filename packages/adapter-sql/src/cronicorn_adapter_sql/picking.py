"""Picks due endpoints for a claim: the longest overdue, and tenants in turn where it matters."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, NamedTuple
from uuid import UUID

from cronicorn_domain.identity import TenantId
from sqlalchemy import Row, TextualSelect
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.claim_statements import (
    CLAIM_STATEMENTS,
    FRESH_TENANTS,
    NEXT_TENANTS,
    PickStatements,
)
from cronicorn_adapter_sql.lower_bound import FLOOR, SLACK, LowerBound
from cronicorn_adapter_sql.turns import Turns

TENANTS_AT_ONCE: Final = 100
"""So many tenants come in turn within one claim, and so many are looked at for the next ones."""
FRESH_AT_ONCE: Final = 500
"""So many of the rows that became due since the last full claim are asked for their tenants."""


class Picked(NamedTuple):
    """
    An endpoint that is picked, its due row locked.

    Since when it is due, its state's revision and where that is, whose it is, and where its request
    goes.
    """

    endpoint_id: UUID
    due_at: datetime
    revision: int
    state_at: str | None
    tenant: TenantId
    host: str
    broken: bool


class Picking:
    """
    Picks for the claims of one process, and remembers whose turn it is.

    When fewer are free than fit, all of them are taken, whoever owns them. Only when a batch is
    full, and there are several tenants, do they come in turn: each gets an equal share, its longest
    overdue first, and what is left goes to the oldest.

    Who waits is never counted out, as that would cost a step for each tenant there is. Known are
    the tenants of what is oldest and of what has just become due, so that a backlog of one keeps
    no other's endpoint waiting; and each full claim looks at the next hundred of all tenants, so
    that none is overlooked for long.
    """

    def __init__(self, bound: LowerBound) -> None:
        self._bound = bound
        self._turns = Turns()
        self._fresh_since = FLOOR

    async def pick(
        self,
        connection: AsyncConnection,
        *,
        now: datetime,
        limit: int,
        breaks: int,
        but: Sequence[UUID] = (),
        again: Sequence[UUID] = (),
    ) -> list[Picked]:
        """
        Pick up to ``limit`` due endpoints, in no order and none of ``but``, and lock them.

        Those of ``again``, no more than the limit, are picked first, wherever they lie. All say
        whether any host has failed ``breaks`` times in a row (``broken``).
        """
        statements = CLAIM_STATEMENTS[connection.dialect.name]
        met: list[Picked] = []
        if again:
            given = {"now": now, "again": again, "breaks": breaks}
            rows = (await connection.execute(statements.again, given)).all()
            met = [_picked(row, broken=bool(row.broken)) for row in rows]
        if len(met) == limit:
            return met
        # Mostly nothing is left out, and then nothing is asked about it.
        pick, left = (statements.all, {}) if not but else (statements.all_but, {"but": but})
        span = {"now": now, **left}
        return met + await self._looked_for(connection, pick, span, limit - len(met), breaks)

    async def _looked_for(
        self,
        connection: AsyncConnection,
        pick: PickStatements,
        span: dict[str, Any],
        limit: int,
        breaks: int,
    ) -> list[Picked]:
        now: datetime = span["now"]
        given = span | {"limit": limit, "breaks": breaks}
        oldest = await self._oldest(connection, pick.oldest, given, now)
        broken = bool(oldest) and bool(oldest[0].broken)
        picked = [_picked(row, broken=broken) for row in oldest]
        if len(oldest) < limit or not oldest[0].several:
            self._turns.clear()
        else:
            self._turns.wait(row.tenant for row in oldest)
            await self._look_round(connection, now)
            if len(self._turns) > 1:
                shares = await self._shares(connection, pick, span, limit, broken=broken)
                picked = [*shares, *picked]
        self._fresh_since = now - SLACK
        # What this transaction has locked already is not skipped: the oldest may come twice.
        return list({each.endpoint_id: each for each in picked}.values())[:limit]

    async def _oldest(
        self,
        connection: AsyncConnection,
        statement: TextualSelect,
        given: dict[str, Any],
        now: datetime,
    ) -> Sequence[Row[Any]]:
        with self._bound.looking(now) as look:
            rows = (await connection.execute(statement, given | {"since": look.since})).all()
            look.first = rows[0].due_at if rows else None
        return rows

    async def _look_round(self, connection: AsyncConnection, now: datetime) -> None:
        """Find tenants that wait: those of what has just become due, and the next of all."""
        fresh = {"since": self._fresh_since, "now": now, "most": FRESH_AT_ONCE}
        self._turns.wait((await connection.execute(FRESH_TENANTS, fresh)).scalars())
        onward = {
            "since": self._bound.lowest,
            "now": now,
            "onward": self._turns.onward,
            "most": TENANTS_AT_ONCE,
        }
        found = (await connection.execute(NEXT_TENANTS, onward)).all()
        self._turns.wait(row.tenant for row in found if row.waits)
        self._turns.go_on(found[-1].tenant if len(found) == TENANTS_AT_ONCE else None)

    async def _shares(
        self,
        connection: AsyncConnection,
        pick: PickStatements,
        span: dict[str, Any],
        limit: int,
        *,
        broken: bool,
    ) -> Sequence[Picked]:
        tenants = self._turns.next(min(limit, TENANTS_AT_ONCE))
        share = -(-limit // len(tenants))
        given = {"since": self._bound.lowest, "tenants": tenants, "share": share}
        shares: dict[UUID, list[Picked]] = {tenant: [] for tenant in tenants}
        for row in await connection.execute(pick.shares, span | given):
            shares[row.tenant].append(_picked(row, broken=broken))
        # One of each, then another of each: where a round has to end early, the last are next.
        rounds = [each for one in zip_longest(*shares.values()) for each in one if each is not None]
        picked = set(rounds[:limit])
        behind = {tenant: len(picked.intersection(own)) for tenant, own in shares.items()}
        # Who has had less than a share has nothing left to wait for.
        left = [tenant for tenant, own in shares.items() if len(own) >= share]
        self._turns.wait(sorted(left, key=behind.__getitem__))
        return rounds


def _picked(row: Row[Any], *, broken: bool) -> Picked:
    # Taken apart at once: a look by name costs several times as much, for each row of each claim.
    values: Sequence[Any] = row[:6]
    endpoint_id, tenant, host, due_at, revision, state_at = values
    return Picked(endpoint_id, due_at, revision, state_at, TenantId(tenant), host, broken)
