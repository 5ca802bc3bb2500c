"""Tells when whoever counts quotas does not answer, and when it does again; all else goes on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Protocol

from cronicorn_domain.errors import StoreError, StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId
from cronicorn_domain.model.quota import (
    Meter,
    Proceed,
    Refusal,
    Reservation,
    Standing,
    UsageEntry,
)
from cronicorn_domain.ports.quota_guard import RESERVED_FOR, QuotaGuard


class Told(Protocol):
    """Who works with quotas hears of this."""

    def not_counted(self, error: StoreError) -> None:
        """Say that quotas cannot be asked about, and why: what has one is put off meanwhile."""
        ...

    def counted_again(self, lasted: timedelta) -> None:
        """Say that they can, after so long."""
        ...


class Untold:
    """Who hears of it, and does nothing about it."""

    def not_counted(self, error: StoreError) -> None:
        """Do nothing."""

    def counted_again(self, lasted: timedelta) -> None:
        """Do nothing."""


class WatchedQuotaGuard:
    """
    A quota guard that is another one, and tells of its outages: once each, and of each new reason.

    For one that counts elsewhere than in the store, whose outages are nobody else's. ``monotonic``
    tells seconds by which their length is measured.
    """

    def __init__(self, guard: QuotaGuard, told: Told, *, monotonic: Callable[[], float]) -> None:
        self._guard = guard
        self._told = told
        self._monotonic = monotonic
        self._since: float | None = None
        self._reason: str | None = None

    async def greet(self, *, now: datetime) -> None:
        """
        Ask for the first time, when a process starts: an outage is told, and not waited for.

        Whoever has no quota does not need it, and the others are put off until it answers, as they
        are in an outage that comes later.

        Raises:
            StoreRefused: it answers, and does not let us in; waiting would not help.
        """
        with suppress(StoreUnavailable):
            await self.standing(DEFAULT_TENANT, now=now)

    def limits(self, tenant: TenantId, meter: Meter) -> bool:
        """Say whether a tenant has a quota."""
        return self._guard.limits(tenant, meter)

    async def can_proceed(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Proceed | Refusal:
        """Ask."""
        if not self.limits(tenant, meter):  # nobody is asked then
            return await self._guard.can_proceed(tenant, meter, now=now)
        with self._listening():
            return await self._guard.can_proceed(tenant, meter, now=now)

    async def record_usage(
        self, tenant: TenantId, amount: int, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> None:
        """Record."""
        with self._listening():
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
        """Reserve."""
        with self._listening():
            return await self._guard.reserve(tenant, amount, meter, now=now, lasts=lasts)

    async def settle(self, reservation: Reservation, used: int | None, *, now: datetime) -> None:
        """Settle."""
        with self._listening():
            await self._guard.settle(reservation, used, now=now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """Release."""
        with self._listening():
            await self._guard.release(reservation, now=now)

    async def standing(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Standing:
        """Return where a tenant stands."""
        with self._listening():
            return await self._guard.standing(tenant, meter, now=now)

    async def entries(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime, limit: int = 100
    ) -> Sequence[UsageEntry]:
        """Return lines of the ledger."""
        with self._listening():
            return await self._guard.entries(tenant, meter, now=now, limit=limit)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Note how the block was answered."""
        try:
            yield
        except StoreError as error:
            self._not_answered(error)
            raise
        self._answered()

    def _not_answered(self, error: StoreError) -> None:
        if self._since is None:
            self._since = self._monotonic()
        if str(error) != self._reason:
            self._reason = str(error)
            self._told.not_counted(error)

    def _answered(self) -> None:
        if self._since is not None:
            lasted = timedelta(seconds=self._monotonic() - self._since)
            self._since = self._reason = None
            self._told.counted_again(lasted)
