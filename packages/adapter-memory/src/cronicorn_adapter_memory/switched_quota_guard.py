"""A quota guard that allows or denies as it is told: for tests of those who ask one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.quota import (
    Burst,
    Exhausted,
    Meter,
    Proceed,
    Refusal,
    Reservation,
    Standing,
    UsageEntry,
)
from cronicorn_domain.ports.quota_guard import RESERVED_FOR, QuotaGuard


class SwitchedQuotaGuard:
    """Another guard, until it is told to deny every ask, or to find it too fast."""

    def __init__(self, guard: QuotaGuard) -> None:
        self._guard = guard
        self._denies = False
        self._retry_after: timedelta | None = None

    def allow(self) -> None:
        """Answer as the guard behind it does."""
        self._denies, self._retry_after = False, None

    def deny(self) -> None:
        """Answer that the month's limit leaves no room."""
        self._denies, self._retry_after = True, None

    def hurry(self, retry_after: timedelta) -> None:
        """Answer that it was asked too fast."""
        self._denies, self._retry_after = False, retry_after

    def limits(self, tenant: TenantId, meter: Meter) -> bool:
        """Say whether the guard has anything to say to a tenant."""
        switched = self._denies or self._retry_after is not None
        return switched or self._guard.limits(tenant, meter)

    async def can_proceed(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Proceed | Refusal:
        """Answer as told, or as the guard behind it."""
        refusal = await self._refusal(tenant, meter, now)
        return refusal or await self._guard.can_proceed(tenant, meter, now=now)

    async def record_usage(
        self, tenant: TenantId, amount: int, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> None:
        """Let the guard behind it record."""
        await self._guard.record_usage(tenant, amount, meter, now=now)

    async def reserve(
        self,
        tenant: TenantId,
        amount: int,
        meter: Meter = Meter.TOKENS,
        *,
        now: datetime,
        lasts: timedelta = RESERVED_FOR,
    ) -> Reservation | Refusal:
        """Answer as told, or as the guard behind it."""
        refusal = await self._refusal(tenant, meter, now)
        return refusal or await self._guard.reserve(tenant, amount, meter, now=now, lasts=lasts)

    async def settle(self, reservation: Reservation, used: int | None, *, now: datetime) -> None:
        """Let the guard behind it settle."""
        await self._guard.settle(reservation, used, now=now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """Let the guard behind it release."""
        await self._guard.release(reservation, now=now)

    async def standing(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Standing:
        """Return what the guard behind it knows."""
        return await self._guard.standing(tenant, meter, now=now)

    async def entries(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime, limit: int = 100
    ) -> Sequence[UsageEntry]:
        """Return what the guard behind it knows."""
        return await self._guard.entries(tenant, meter, now=now, limit=limit)

    async def _refusal(self, tenant: TenantId, meter: Meter, now: datetime) -> Refusal | None:
        if self._retry_after is not None:
            return Burst(retry_after=self._retry_after)
        if self._denies:
            return Exhausted(standing=await self.standing(tenant, meter, now=now))
        return None
