"""What metrics tell of quotas: use, limits, denials, overruns and bursts, by tenants that count."""

from datetime import timedelta

import pytest
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard, UsageBook
from cronicorn_adapter_memory.switched_quota_guard import SwitchedQuotaGuard
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.quota import Meter, Quota, Quotas, Reservation, Standing
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_domain.testing.quota_guard_contract import GuardMaker, QuotaGuardContract
from cronicorn_metering.instruments import Instruments
from cronicorn_metering.measured_quota_guard import SHOWN_EVERY, MeasuredQuotaGuard

SOMEBODY = TenantId(new_uuid())
QUOTAS = Quotas(
    every={Meter.RUNS: Quota(limit=1)},
    tenants={(DEFAULT_TENANT, Meter.RUNS): Quota(limit=3)},
)


class Forgetful(SwitchedQuotaGuard):
    """A guard that cannot say where anybody stands."""

    async def standing(self, *given: object, **rest: object) -> Standing:
        """Be out of reach."""
        raise StoreUnavailable("no answer")


class TestMeasuredQuotaGuard(QuotaGuardContract):
    """With metrics around it a guard is a guard still."""

    @pytest.fixture
    async def guard_maker(self) -> GuardMaker:
        """Provide guards over one book."""
        book, instruments = UsageBook(), Instruments()

        async def make(quotas: Quotas) -> QuotaGuard:
            guard = MemoryQuotaGuard(quotas, book)
            return MeasuredQuotaGuard(guard, instruments, quotas, monotonic=lambda: 0.0)

        return make


class Measured:
    """A guard with metrics around it, and a clock moved by hand."""

    def __init__(
        self, kind: type[SwitchedQuotaGuard] = SwitchedQuotaGuard, quotas: Quotas = QUOTAS
    ) -> None:
        self.time = 0.0
        self.instruments = Instruments()
        self.inner = kind(MemoryQuotaGuard(quotas))
        self.guard = MeasuredQuotaGuard(
            self.inner, self.instruments, quotas, monotonic=lambda: self.time
        )

    def value(
        self, name: str, tenant: object = DEFAULT_TENANT, *, meter: Meter = Meter.RUNS
    ) -> float | None:
        """Return what a scrape would show."""
        labels = {"meter": meter.value, "tenant": str(tenant)}
        return self.instruments.registry.get_sample_value(f"cronicorn_{name}", labels)

    async def use(self, amount: int, tenant: TenantId = DEFAULT_TENANT) -> None:
        """Use some runs."""
        await self.guard.record_usage(tenant, amount, Meter.RUNS, now=EPOCH)


async def test_use_limit_and_overrun_are_shown() -> None:
    """Where a tenant with a quota by name stands is there after it has used something."""
    measured = Measured()
    await measured.use(2)
    assert [measured.value(f"quota_{each}") for each in ("used", "limit", "overrun")] == [2, 3, 0]

    measured.time += SHOWN_EVERY.total_seconds()
    await measured.use(5)

    assert [measured.value(f"quota_{each}") for each in ("used", "limit", "overrun")] == [7, 3, 4]


async def test_it_is_asked_for_once_in_a_while() -> None:
    """Runs by the hundred do not cost as many looks."""
    measured = Measured()
    await measured.use(1)
    await measured.use(1)

    assert measured.value("quota_used") == 1


async def test_denials_and_bursts_are_counted() -> None:
    """Each refused ask by its reason; a denial tells where the tenant stands as well."""
    measured = Measured()
    held = await measured.guard.reserve(DEFAULT_TENANT, 3, Meter.RUNS, now=EPOCH)
    assert isinstance(held, Reservation)
    await measured.guard.settle(held, 3, now=EPOCH)
    for _ in range(2):
        await measured.guard.can_proceed(DEFAULT_TENANT, Meter.RUNS, now=EPOCH)
    measured.inner.hurry(timedelta(seconds=5))
    await measured.guard.reserve(DEFAULT_TENANT, 1, Meter.RUNS, now=EPOCH)

    assert measured.value("quota_denials_total") == 2
    assert measured.value("quota_bursts_total") == 1
    assert measured.value("quota_used") == 3


async def test_tenants_without_a_quota_by_name_are_counted_together() -> None:
    """There is no end to them: no series bears the id of one."""
    measured = Measured()
    await measured.use(1, SOMEBODY)
    await measured.guard.can_proceed(SOMEBODY, Meter.RUNS, now=EPOCH)

    assert measured.value("quota_denials_total", "*") == 1
    assert measured.value("quota_denials_total", SOMEBODY) is None
    assert measured.value("quota_used", SOMEBODY) is None


async def test_the_default_tenant_is_shown_by_a_quota_that_everybody_has() -> None:
    """An installation with one tenant sees its own use; what has no quota has no series."""
    measured = Measured(quotas=Quotas(every={Meter.RUNS: Quota(limit=3)}))
    await measured.use(4)
    await measured.guard.can_proceed(DEFAULT_TENANT, Meter.RUNS, now=EPOCH)
    await measured.guard.record_usage(DEFAULT_TENANT, 5, Meter.TOKENS, now=EPOCH)

    assert [measured.value(f"quota_{each}") for each in ("used", "limit", "overrun")] == [4, 3, 1]
    assert measured.value("quota_denials_total") == 1
    assert measured.value("quota_denials_total", "*") is None
    assert measured.value("quota_used", meter=Meter.TOKENS) is None


async def test_nothing_fails_because_it_cannot_be_shown() -> None:
    """What was used is recorded, whatever becomes of the look behind it."""
    measured = Measured(Forgetful)

    await measured.use(2)

    assert measured.value("quota_used") is None
