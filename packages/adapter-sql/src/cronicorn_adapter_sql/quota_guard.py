"""
The quota guard on SQL.

Whoever adds to a month's total or reserves of it locks its one row, for a transaction of a few
statements. The ledger's line comes before the total, and the total before the reservations, always:
so nobody waits in a circle.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from cronicorn_domain.identity import ReservationId, TenantId, new_uuid
from cronicorn_domain.model.quota import (
    Burst,
    Meter,
    Pace,
    Proceed,
    Quota,
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
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.quota_statements import (
    ADD_ENTRY,
    ADD_HOLD,
    ADD_TO_TOTAL,
    END_HOLD,
    LAPSED,
    LOCK_PACE,
    LOCK_TOTAL,
    NEWEST_ENTRIES,
    SET_PACE,
    STANDING,
    SWEEP_HOLDS,
)


class SqlQuotaGuard:
    """Keeps what each tenant uses within its quota, for all processes over one database."""

    def __init__(self, engine: AsyncEngine, quotas: Quotas) -> None:
        self._engine = engine
        self._reading = single_statements(read_only(engine))
        self._single = single_statements(engine)
        self._quotas = quotas

    def limits(self, tenant: TenantId, meter: Meter) -> bool:
        """Say whether a tenant has a limit or a pace at all."""
        return self._quotas.of(tenant, meter).is_set

    async def can_proceed(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Proceed | Refusal:
        """Say whether anything is left, and the pace allows one more ask."""
        quota = self._quotas.of(tenant, meter)
        if quota.limit is not None:
            refusal = refused(await self.standing(tenant, meter, now=now), 1)
            if refusal is not None:
                return refusal
        if quota.pace is None:
            return Proceed()
        with translated():
            async with self._engine.begin() as connection:
                burst = await _keep_pace(connection, quota.pace, tenant, meter, now)
        return burst or Proceed()

    async def record_usage(
        self, tenant: TenantId, amount: int, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> None:
        """Add what was used to the ledger."""
        line = _of(tenant, meter, now) | {"id": new_uuid(), "amount": checked_amount(amount)}
        if amount:
            with translated():
                async with self._engine.begin() as connection:
                    await _charge(connection, line, now)

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
        reservation = Reservation(
            id=ReservationId(new_uuid()),
            tenant=tenant,
            meter=meter,
            amount=checked_amount(amount),
            month=month_of(now),
            expires_at=now + lasts,
        )
        if costs_when_lapsed(meter):
            await self._charge_lapsed(tenant, meter, now)
        with translated():
            async with self._engine.begin() as connection:
                quota = self._quotas.of(tenant, meter)
                refusal = await _refusal(connection, quota, reservation, now)
                if refusal is not None:
                    return refusal
                hold = {"amount": amount, "expires_at": reservation.expires_at}
                kept = _of(tenant, meter, now) | {"id": reservation.id} | hold
                await connection.execute(ADD_HOLD, kept)
        return reservation

    async def settle(self, reservation: Reservation, used: int | None, *, now: datetime) -> None:
        """End a reservation with what was used."""
        amount = charge_of(reservation, used)
        line = {
            "id": reservation.id,
            "tenant": reservation.tenant,
            "meter": reservation.meter.value,
            "month": reservation.month.begins,
            "amount": amount,
        }
        with translated():
            async with self._engine.begin() as connection:
                if amount:
                    await _charge(connection, line, now)
                await connection.execute(END_HOLD, {"id": reservation.id})

    async def _charge_lapsed(self, tenant: TenantId, meter: Meter, now: datetime) -> None:
        """Settle what has expired, each by itself: a settle that comes now waits in no circle."""
        whose: Values = {"tenant": tenant, "meter": meter.value, "now": now}
        with translated():
            async with self._reading.connect() as connection:
                rows = (await connection.execute(LAPSED, whose)).all()
        for row in rows:
            lapsed = Reservation(
                id=row.id,
                tenant=tenant,
                meter=meter,
                amount=row.amount,
                month=month_of(row.month),
                expires_at=row.expires_at,
            )
            await self.settle(lapsed, None, now=now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:  # noqa: ARG002  it is over at any time
        """End a reservation of which nothing was used."""
        with translated():
            async with self._single.begin() as connection:
                await connection.execute(END_HOLD, {"id": reservation.id})

    async def standing(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Standing:
        """Return where a tenant stands."""
        with translated():
            async with self._reading.connect() as connection:
                return await _standing(
                    connection, self._quotas.of(tenant, meter), tenant, meter, now
                )

    async def entries(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime, limit: int = 100
    ) -> Sequence[UsageEntry]:
        """Return the newest lines of the ledger."""
        given = _of(tenant, meter, now) | {"most": limit}
        with translated():
            async with self._reading.connect() as connection:
                rows = (await connection.execute(NEWEST_ENTRIES, given)).all()
        return [UsageEntry(amount=row.amount, at=row.at) for row in rows]


def _of(tenant: UUID, meter: Meter, now: datetime) -> Values:
    return {"tenant": tenant, "meter": meter.value, "month": month_of(now).begins}


async def _refusal(
    connection: AsyncConnection, quota: Quota, reservation: Reservation, now: datetime
) -> Refusal | None:
    """Refuse a reservation, or keep that it was asked for; the month's row stays locked."""
    tenant, meter = reservation.tenant, reservation.meter
    if quota.limit is not None:
        whose = _of(tenant, meter, now)
        await connection.execute(LOCK_TOTAL, whose)
        if not costs_when_lapsed(meter):
            lapsed: Values = {"tenant": tenant, "meter": meter.value, "now": now}
            await connection.execute(SWEEP_HOLDS, lapsed)
        # Only now: what was committed by whoever had the lock before is to be counted.
        standing = await _standing(connection, quota, tenant, meter, now)
        refusal = refused(standing, reservation.amount)
        if refusal is not None:
            return refusal
    if quota.pace is None:
        return None
    return await _keep_pace(connection, quota.pace, tenant, meter, now)


async def _standing(
    connection: AsyncConnection, quota: Quota, tenant: TenantId, meter: Meter, now: datetime
) -> Standing:
    given = _of(tenant, meter, now) | {"now": now}
    row = (await connection.execute(STANDING, given)).one()
    used = row.used + (int(row.lapsed) if costs_when_lapsed(meter) else 0)
    return Standing(used=used, held=int(row.held), limit=quota.limit, month=month_of(now))


async def _keep_pace(
    connection: AsyncConnection, pace: Pace, tenant: TenantId, meter: Meter, now: datetime
) -> Burst | None:
    """Keep that it was asked, or say that it was too fast."""
    whose: Values = {"tenant": tenant, "meter": meter.value}
    found = (await connection.execute(LOCK_PACE, whose | {"now": now})).one()
    begun = paced(pace, found.begun, now)
    if isinstance(begun, Burst):
        return begun
    await connection.execute(SET_PACE, whose | {"begun": begun})
    return None


async def _charge(connection: AsyncConnection, line: Values, now: datetime) -> None:
    """Add a line to the ledger and to the month's total, unless it is there already."""
    added = (await connection.execute(ADD_ENTRY, line | {"now": now})).all()
    if added:
        total = {name: line[name] for name in ("tenant", "meter", "month", "amount")}
        await connection.execute(ADD_TO_TOTAL, total)
