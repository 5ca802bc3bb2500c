"""Measures what a quota guard is asked, and shows where tenants stand."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId
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
from cronicorn_domain.ports.quota_guard import RESERVED_FOR, QuotaGuard

from cronicorn_metering.instruments import Instruments

SHOWN_EVERY: Final = timedelta(seconds=15)
"""How often at most what a tenant has used is asked for, to be shown."""
OTHERS: Final = "*"
"""The label of all tenants that are not told apart."""


class MeasuredQuotaGuard:
    """
    A quota guard that is another one, and tells metrics of its answers.

    Where a tenant stands is shown for those who have a quota by name, and for the default tenant
    where it has one at all: it is known from a refusal, and is else asked for once in a while,
    after something was used.
    """

    def __init__(
        self,
        guard: QuotaGuard,
        instruments: Instruments,
        quotas: Quotas,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._guard = guard
        self._instruments = instruments
        self._quotas = quotas
        self._monotonic = monotonic
        self._shown: dict[tuple[TenantId, Meter], float] = {}

    def limits(self, tenant: TenantId, meter: Meter) -> bool:
        """Say whether a tenant has a quota."""
        return self._guard.limits(tenant, meter)

    async def can_proceed(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Proceed | Refusal:
        """Ask, and count a refusal."""
        answer = await self._guard.can_proceed(tenant, meter, now=now)
        self._note(tenant, meter, answer)
        return answer

    async def record_usage(
        self, tenant: TenantId, amount: int, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> None:
        """Record, and show where the tenant stands."""
        await self._guard.record_usage(tenant, amount, meter, now=now)
        await self._look(tenant, meter, now)

    async def reserve(
        self,
        tenant: TenantId,
        amount: int,
        meter: Meter = Meter.TOKENS,
        *,
        now: datetime,
        lasts: timedelta = RESERVED_FOR,
    ) -> Reservation | Refusal:
        """Reserve, and count a refusal."""
        answer = await self._guard.reserve(tenant, amount, meter, now=now, lasts=lasts)
        self._note(tenant, meter, answer)
        return answer

    async def settle(self, reservation: Reservation, used: int | None, *, now: datetime) -> None:
        """Settle, and show where the tenant stands."""
        await self._guard.settle(reservation, used, now=now)
        await self._look(reservation.tenant, reservation.meter, now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """Release."""
        await self._guard.release(reservation, now=now)

    async def standing(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Standing:
        """Return where a tenant stands, and show it."""
        standing = await self._guard.standing(tenant, meter, now=now)
        self._show(tenant, meter, standing)
        return standing

    async def entries(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime, limit: int = 100
    ) -> Sequence[UsageEntry]:
        """Return lines of the ledger."""
        return await self._guard.entries(tenant, meter, now=now, limit=limit)

    def _note(
        self, tenant: TenantId, meter: Meter, answer: Proceed | Reservation | Refusal
    ) -> None:
        match answer:
            case Exhausted(standing=standing):
                self._instruments.quotas.denials.labels(*self._labels(tenant, meter)).inc()
                self._show(tenant, meter, standing)
            case Burst():
                self._instruments.quotas.bursts.labels(*self._labels(tenant, meter)).inc()
            case Proceed() | Reservation():
                pass

    async def _look(self, tenant: TenantId, meter: Meter, now: datetime) -> None:
        """Show where a tenant stands, unless that was shown lately; nobody waits for it to work."""
        seen = self._shown.get((tenant, meter))
        lately = seen is not None and self._monotonic() - seen < SHOWN_EVERY.total_seconds()
        if lately or not self._told_apart(tenant, meter):
            return
        with suppress(StoreError):
            await self.standing(tenant, meter, now=now)

    def _show(self, tenant: TenantId, meter: Meter, standing: Standing) -> None:
        if not self._told_apart(tenant, meter):
            return
        self._shown[tenant, meter] = self._monotonic()
        labels = self._labels(tenant, meter)
        self._instruments.quotas.used.labels(*labels).set(standing.used)
        self._instruments.quotas.overrun.labels(*labels).set(standing.overrun)
        if standing.limit is not None:
            self._instruments.quotas.limit.labels(*labels).set(standing.limit)

    def _labels(self, tenant: TenantId, meter: Meter) -> tuple[str, str]:
        return meter.value, str(tenant) if self._told_apart(tenant, meter) else OTHERS

    def _told_apart(self, tenant: TenantId, meter: Meter) -> bool:
        if self._quotas.named(tenant):
            return True
        return tenant == DEFAULT_TENANT and self._quotas.of(tenant, meter).is_set
