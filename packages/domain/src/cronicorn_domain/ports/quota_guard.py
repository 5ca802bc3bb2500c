"""Keeps what each tenant uses within its quota, and the ledger of what was used."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.quota import (
    Meter,
    Proceed,
    Refusal,
    Reservation,
    Standing,
    UsageEntry,
)

RESERVED_FOR: Final = timedelta(minutes=10)
"""So long a reservation lasts at most, unless its caller says otherwise."""


class QuotaGuard(Protocol):
    """
    Says who may go on, and keeps what was used.

    Two forms. The soft one is ``can_proceed``, then ``record_usage``: as nothing is kept between
    the two, callers that ask at once may together use more than the limit, each by no more than one
    call. The hard one is ``reserve``, then ``settle`` or ``release``: what is reserved is kept, so
    that no limit is exceeded but by a caller that uses more than it has reserved.

    Promises:

    - Each method is a transaction of its own, and counts what all callers of all processes do.
    - ``now`` is the shared clock's. A month is one of UTC: equal to its end is the next one.
    - What was used stays: the ledger is only added to, and knows neither jobs nor endpoints, so
      that nothing that is archived or deleted gives any of it back.
    - An ask costs the same however much was used before it.
    - A refused ask counts nothing, and does not use up the pace.

    All may raise ``StoreUnavailable``: where the counts are kept cannot be reached. Then nothing
    was counted, as far as can be told.
    """

    def limits(self, tenant: TenantId, meter: Meter) -> bool:
        """Say, without asking anywhere, whether a tenant has a limit or a pace at all."""
        ...

    async def can_proceed(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Proceed | Refusal:
        """
        Say whether anything is left, beside what is reserved, and the pace allows one more ask.

        Where there is no limit and no pace it asks nowhere.
        """
        ...

    async def record_usage(
        self, tenant: TenantId, amount: int, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> None:
        """
        Add what was used to the ledger, whether there was room for it or not; nothing of nothing.

        Raises:
            InvalidInput: the amount is below nothing, or above ``AMOUNT_MOST``.
        """
        ...

    async def reserve(
        self,
        tenant: TenantId,
        amount: int,
        meter: Meter = Meter.TOKENS,
        *,
        now: datetime,
        lasts: timedelta = RESERVED_FOR,
    ) -> Reservation | Refusal:
        """
        Keep an amount for the caller, all of it or none, until ``now + lasts`` (equal is over).

        Tokens that are neither settled nor released by then are charged at the reserved amount, in
        the month of the reservation: whoever asked a model may have died of it. Other things are
        free again.

        Raises:
            InvalidInput: as ``record_usage``.
        """
        ...

    async def settle(self, reservation: Reservation, used: int | None, *, now: datetime) -> None:
        """
        End a reservation with what was used, more or less than the amount; None: nobody knows.

        What nobody knows is charged at the reserved amount. A reservation that has expired or was
        released is charged all the same. One that has been charged, by a settle or since it lapsed,
        is not charged again, nor put right: the ledger is only added to.

        Raises:
            InvalidInput: as ``record_usage``.
        """
        ...

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """End a reservation of which nothing was used; one that has ended already stays so."""
        ...

    async def standing(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime
    ) -> Standing:
        """Return where a tenant stands in the month of ``now``, limited or not."""
        ...

    async def entries(
        self, tenant: TenantId, meter: Meter = Meter.TOKENS, *, now: datetime, limit: int = 100
    ) -> Sequence[UsageEntry]:
        """Return the newest lines of the ledger that count in the month of ``now``."""
        ...
