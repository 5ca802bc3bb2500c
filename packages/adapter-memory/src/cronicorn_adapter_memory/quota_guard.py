"""The quota guard in memory: each method is atomic, since nothing is awaited within one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cronicorn_domain.identity import ReservationId, TenantId, new_uuid
from cronicorn_domain.model.quota import (
    NO_QUOTAS,
    Burst,
    Meter,
    Month,
    Proceed,
    Quotas,
    Refusal,
    Reservation,
    Standing,
    UsageEntry,
)
from cronicorn_domain.policies.quotas import (
    charge_of,
    checked_amount,
    costs_when_lapsed,
    month_of,
    paced,
    refused,
)
from cronicorn_domain.ports.quota_guard import RESERVED_FOR

_Account = tuple[TenantId, Meter]


@dataclass(slots=True)
class UsageBook:
    """What was used and is held, for all guards that share it."""

    used: defaultdict[tuple[_Account, Month], int] = field(default_factory=lambda: defaultdict(int))
    entries: defaultdict[tuple[_Account, Month], list[UsageEntry]] = field(
        default_factory=lambda: defaultdict(list)
    )
    held: defaultdict[_Account, dict[ReservationId, Reservation]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    settled: set[ReservationId] = field(default_factory=set)
    begun: dict[_Account, datetime] = field(default_factory=dict)


class MemoryQuotaGuard:
    """Keeps what each tenant uses within its quota, for as long as the process lives."""

    def __init__(self, quotas: Quotas = NO_QUOTAS, book: UsageBook | None = None) -> None:
        self._quotas = quotas
        self._book = UsageBook() if book is None else book

    def limits(self, tenant: TenantId, meter: Meter) -> bool:
        """Say whether a tenant has a limit or a pace at all."""
        return self._quotas.of(tenant, meter).is_set

    async def can_proceed(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Proceed | Refusal:
        """Say whether anything is left, and the pace allows one more ask."""
        return self._refusal(tenant, meter, amount=1, now=now) or Proceed()

    async def record_usage(
        self, tenant: TenantId, amount: int, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> None:
        """Add what was used to the ledger."""
        self._charge((tenant, meter), month_of(now), checked_amount(amount), now)

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
        refusal = self._refusal(tenant, meter, amount=checked_amount(amount), now=now)
        if refusal is not None:
            return refusal
        reservation = Reservation(
            id=ReservationId(new_uuid()),
            tenant=tenant,
            meter=meter,
            amount=amount,
            month=month_of(now),
            expires_at=now + lasts,
        )
        self._book.held[tenant, meter][reservation.id] = reservation
        return reservation

    async def settle(self, reservation: Reservation, used: int | None, *, now: datetime) -> None:
        """End a reservation with what was used."""
        charge = charge_of(reservation, used)
        account = reservation.tenant, reservation.meter
        self._book.held[account].pop(reservation.id, None)
        if reservation.id not in self._book.settled:
            self._book.settled.add(reservation.id)
            self._charge(account, reservation.month, charge, now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:  # noqa: ARG002  it is over at any time
        """End a reservation of which nothing was used."""
        self._book.held[reservation.tenant, reservation.meter].pop(reservation.id, None)

    async def standing(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Standing:
        """Return where a tenant stands."""
        return self._standing(tenant, meter, now)

    async def entries(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime, limit: int = 100
    ) -> Sequence[UsageEntry]:
        """Return the newest lines of the ledger."""
        self._lapse((tenant, meter), now)
        lines = self._book.entries[(tenant, meter), month_of(now)]
        return lines[: -limit - 1 : -1]

    def _refusal(
        self, tenant: TenantId, meter: Meter, *, amount: int, now: datetime
    ) -> Refusal | None:
        """Refuse an ask, or keep that it went through."""
        quota, account = self._quotas.of(tenant, meter), (tenant, meter)
        if quota.limit is not None:
            exhausted = refused(self._standing(tenant, meter, now), amount)
            if exhausted is not None:
                return exhausted
        if quota.pace is None:
            return None
        begun = paced(quota.pace, self._book.begun.get(account), now)
        if isinstance(begun, Burst):
            return begun
        self._book.begun[account] = begun
        return None

    def _standing(self, tenant: TenantId, meter: Meter, now: datetime) -> Standing:
        account, month = (tenant, meter), month_of(now)
        self._lapse(account, now)
        held = self._book.held[account]
        return Standing(
            used=self._book.used[account, month],
            held=sum(each.amount for each in held.values() if each.month == month),
            limit=self._quotas.of(tenant, meter).limit,
            month=month,
        )

    def _lapse(self, account: _Account, now: datetime) -> None:
        """End what has expired."""
        held = self._book.held[account]
        for each in [each for each in held.values() if each.expires_at <= now]:
            del held[each.id]
            if costs_when_lapsed(each.meter):
                self._book.settled.add(each.id)
                self._charge(account, each.month, each.amount, now)

    def _charge(self, account: _Account, month: Month, amount: int, now: datetime) -> None:
        if amount:
            self._book.used[account, month] += amount
            self._book.entries[account, month].append(UsageEntry(amount=amount, at=now))
