"""Quotas: how much a tenant may use in a month, how fast it may ask, and what it has used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import ReservationId, TenantId
from cronicorn_domain.instants import NO_TIME

AMOUNT_MOST: Final = 10**12
"""No amount lies above it, so that every store can hold what a month adds up to."""


class Meter(StrEnum):
    """What is counted against a limit."""

    TOKENS = "tokens"
    RUNS = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a tenant may ask: ``asks`` at once, and as many again in every ``per``."""

    asks: int
    per: timedelta

    def __post_init__(self) -> None:
        """Refuse a pace at which nobody could ask."""
        if self.asks < 1:
            raise InvalidInput(
                f"a pace of {self.asks} lets nobody ask", field="pace", remedy="give 1 or more"
            )
        if self.apart <= NO_TIME:
            raise InvalidInput(
                "such a pace is none", field="pace", remedy="give a longer time, or fewer asks"
            )

    @property
    def apart(self) -> timedelta:
        """How far asks lie apart in the long run."""
        return self.per // self.asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """
    What a tenant may use.

    Attributes:
        limit: The most of it in a calendar month of UTC; None: as much as it likes.
        pace: How fast it may ask; None: as fast as it likes.
    """

    limit: int | None = None
    pace: Pace | None = None

    def __post_init__(self) -> None:
        """Refuse a limit below nothing."""
        if self.limit is not None and self.limit < 0:
            raise InvalidInput(
                f"a limit of {self.limit} cannot be meant",
                field="limit",
                remedy="give 0 or more, or no limit",
            )

    @property
    def is_set(self) -> bool:
        """Whether it limits anything."""
        return self.limit is not None or self.pace is not None


NO_QUOTA = Quota()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """
    The quotas of all tenants; whoever shares a guard's counts must have the same.

    Attributes:
        every: By what is counted, for each tenant that has none by name.
        tenants: By tenant and by what is counted, in place of ``every``.
    """

    every: Mapping[Meter, Quota] = field(default_factory=lambda: MappingProxyType({}))
    tenants: Mapping[tuple[TenantId, Meter], Quota] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def of(self, tenant: TenantId, meter: Meter) -> Quota:
        """Return what a tenant may use; ``NO_QUOTA``: all it likes."""
        return self.tenants.get((tenant, meter)) or self.every.get(meter, NO_QUOTA)

    def named(self, tenant: TenantId) -> bool:
        """Say whether a tenant has a quota by name."""
        return any(tenant == whose for whose, _ in self.tenants)

    def joined(self, others: "Quotas") -> "Quotas":
        """Return these and others, which win where both say something."""
        return Quotas(
            every=MappingProxyType({**self.every, **others.every}),
            tenants=MappingProxyType({**self.tenants, **others.tenants}),
        )

    def are_set(self, meter: Meter) -> bool:
        """Say whether anybody's use of something is limited."""
        named = (quota for (_, what), quota in self.tenants.items() if what is meter)
        return self.every.get(meter, NO_QUOTA).is_set or any(each.is_set for each in named)


NO_QUOTAS = Quotas()


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A calendar month of UTC: from ``begins``, and before ``ends``."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    Where a tenant stands in a month.

    Attributes:
        used: What the ledger has of the month, with what has lapsed and costs; it can lie above
            the limit.
        held: What reservations hold that are neither settled, released nor expired.
        limit: None: there is none.
        month: The month it is about.
    """

    used: int
    held: int
    limit: int | None
    month: Month

    @property
    def left(self) -> int | None:
        """What may still be used or reserved; None: there is no limit."""
        return None if self.limit is None else max(0, self.limit - self.used - self.held)

    @property
    def overrun(self) -> int:
        """By how much the limit is exceeded."""
        return 0 if self.limit is None else max(0, self.used - self.limit)


@dataclass(frozen=True, slots=True)
class Proceed:
    """It may be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """
    The month's limit leaves no room.

    Attributes:
        standing: What has been used of what.
        until: There is room again from then on, as long as the limit stays: the month is over.
    """

    standing: Standing

    @property
    def until(self) -> datetime:
        """The end of the month."""
        return self.standing.month.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """It was asked too fast; after ``retry_after`` it may be asked again."""

    retry_after: timedelta


Refusal = Exhausted | Burst


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """
    An amount that is kept for one caller, until it is settled or released, or has expired.

    What is settled counts in ``month``, that of the reservation, however late it is.
    """

    id: ReservationId
    tenant: TenantId
    meter: Meter
    amount: int
    month: Month
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEntry:
    """A line of the ledger: so much was used, as was told at that instant."""

    amount: int
    at: datetime
