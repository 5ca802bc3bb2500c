"""The quota guard on Redis or Valkey: each method is one script, which the server runs alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import ReservationId, TenantId, new_uuid
from cronicorn_domain.instants import MICROSECOND, MILLISECOND
from cronicorn_domain.model.quota import (
    Burst,
    Exhausted,
    Meter,
    Proceed,
    Quotas,
    Refusal,
    Reservation,
    Standing,
    UsageEntry,
)
from cronicorn_domain.policies.quotas import charge_of, checked_amount, costs_when_lapsed, month_of
from cronicorn_domain.ports.quota_guard import RESERVED_FOR
from redis.asyncio import BlockingConnectionPool, Redis

from cronicorn_adapter_redis.errors import translated
from cronicorn_adapter_redis.keys import Account
from cronicorn_adapter_redis.scripts import ASK, CHARGE, STANDING

CONNECTIONS: Final = 16
"""The most connections at once; a further call waits for one."""
_WAIT_FOR_CONNECTION: Final = 10
_ANSWER: Final = 2
"""Seconds."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_IDS_KEPT_SECONDS: Final = int(timedelta(days=40).total_seconds())
"""So long behind the last use a settled reservation is known, and one that nobody ends is kept."""


class RedisQuotaGuard:
    """Keeps what each tenant uses within its quota, for all processes over one server."""

    def __init__(self, client: "Redis", quotas: Quotas) -> None:
        self._client = client
        self._quotas = quotas
        self._ask = client.register_script(ASK)
        self._charge = client.register_script(CHARGE)
        self._read = client.register_script(STANDING)

    def limits(self, tenant: TenantId, meter: Meter) -> bool:
        """Say whether a tenant has a limit or a pace at all."""
        return self._quotas.of(tenant, meter).is_set

    async def can_proceed(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Proceed | Refusal:
        """Say whether anything is left, and the pace allows one more ask."""
        if not self.limits(tenant, meter):
            return Proceed()
        account = _account(tenant, meter, now)
        return await self._refusal(account, 1, now, hold=None, expires_at=now) or Proceed()

    async def record_usage(
        self, tenant: TenantId, amount: int, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> None:
        """Add what was used to the ledger."""
        await self._end(_account(tenant, meter, now), new_uuid(), checked_amount(amount), now)

    async def reserve(
        self,
        tenant: TenantId,
        amount: int,
        meter: Meter = Meter.TOKENS,
        *,
        now: datetime,
        lasts: timedelta = RESERVED_FOR,
    ) -> Reservation | Refusal:
        """Keep an amount for the caller."""
        account = _account(tenant, meter, now)
        made = Reservation(
            id=ReservationId(new_uuid()),
            tenant=tenant,
            meter=meter,
            amount=checked_amount(amount),
            month=account.month,
            expires_at=now + lasts,
        )
        refusal = await self._refusal(
            account, amount, now, hold=made.id, expires_at=made.expires_at
        )
        return refusal or made

    async def settle(self, reservation: Reservation, used: int | None, *, now: datetime) -> None:
        """End a reservation with what was used."""
        await self._end(_account_of(reservation), reservation.id, charge_of(reservation, used), now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """End a reservation of which nothing was used."""
        await self._end(_account_of(reservation), reservation.id, 0, now)

    async def standing(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Standing:
        """Return where a tenant stands."""
        account = _account(tenant, meter, now)
        keys = [account.used, account.holds, account.amounts]
        with translated():
            used, held = await self._read(keys=keys, args=[_microseconds(now), _costs(meter)])
        return self._standing(account, int(used), int(held))

    async def entries(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime, limit: int = 100
    ) -> Sequence[UsageEntry]:
        """Return the newest lines of the ledger."""
        key = _account(tenant, meter, now).lines
        with translated():
            lines: list[Any] = await self._client.lrange(key, -limit, -1)
        return [_entry(str(line)) for line in reversed(lines)]

    async def _refusal(
        self,
        account: Account,
        amount: int,
        now: datetime,
        *,
        hold: UUID | None,
        expires_at: datetime,
    ) -> Refusal | None:
        """Refuse an ask, or keep that it went through, with what it holds."""
        quota = self._quotas.of(account.tenant, account.meter)
        pace = quota.pace
        given: list[str | int] = [
            _microseconds(now),
            "" if quota.limit is None else quota.limit,
            amount,
            "" if pace is None else pace.apart // MICROSECOND,
            "" if pace is None else pace.per // MICROSECOND,
            "" if hold is None else str(hold),
            _microseconds(expires_at),
            _IDS_KEPT_SECONDS,
            "" if pace is None else 2 * (pace.per // MILLISECOND) + 1000,
            _costs(account.meter),
        ]
        keys = [account.used, account.holds, account.amounts, account.begun]
        keys += [account.charged, account.lines]
        with translated():
            answer, *more = await self._ask(keys=keys, args=given)
        match answer:
            case "exhausted":
                used, held = map(int, more)
                return Exhausted(standing=self._standing(account, used, held))
            case "burst":
                return Burst(retry_after=int(more[0]) * MICROSECOND)
            case _:
                return None

    async def _end(self, account: Account, key: UUID, amount: int, now: datetime) -> None:
        """End what is held under an id, and add what was used to the ledger."""
        keys = [account.used, account.holds, account.amounts, account.charged, account.lines]
        given: list[str | int] = [
            str(key),
            amount,
            _microseconds(now),
            _IDS_KEPT_SECONDS,
        ]
        with translated():
            await self._charge(keys=keys, args=given)

    def _standing(self, account: Account, used: int, held: int) -> Standing:
        limit = self._quotas.of(account.tenant, account.meter).limit
        return Standing(used=used, held=held, limit=limit, month=account.month)


@asynccontextmanager
async def open_redis_quota_guard(url: str, quotas: Quotas) -> AsyncIterator[RedisQuotaGuard]:
    """
    Give what asks a server, and close all connections to it at the end of the block.

    It is asked nothing yet, and need not be there.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, with user, password and database.
        quotas: What each tenant may use.

    Raises:
        InvalidInput: the URL cannot be meant.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=_WAIT_FOR_CONNECTION,
            socket_timeout=_ANSWER,
            socket_connect_timeout=_ANSWER,
            decode_responses=True,
        )
    except ValueError as error:
        raise InvalidInput(
            "this is no address of a Redis server",
            field="quotas",
            remedy="write redis://HOST:PORT/NUMBER, rediss://… or unix://PATH",
        ) from error
    client = Redis.from_pool(pool)
    try:
        yield RedisQuotaGuard(client, quotas)
    finally:
        await client.aclose()


def _account(tenant: TenantId, meter: Meter, now: datetime) -> Account:
    return Account(tenant=tenant, meter=meter, month=month_of(now))


def _account_of(reservation: Reservation) -> Account:
    return Account(tenant=reservation.tenant, meter=reservation.meter, month=reservation.month)


def _costs(meter: Meter) -> str:
    return "1" if costs_when_lapsed(meter) else ""


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // MICROSECOND


def _entry(line: str) -> UsageEntry:
    at, _, amount = line.partition(" ")
    return UsageEntry(amount=int(amount), at=_EPOCH + int(at) * MICROSECOND)
