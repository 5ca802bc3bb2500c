"""The quota guards in memory keep the contract."""

from datetime import timedelta

import pytest
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard, UsageBook
from cronicorn_adapter_memory.switched_quota_guard import SwitchedQuotaGuard
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.quota import Burst, Exhausted, Meter, Quotas, Reservation
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_domain.testing.quota_guard_contract import GuardMaker, QuotaGuardContract


class TestMemoryQuotaGuard(QuotaGuardContract):
    """Guards of one process."""

    @pytest.fixture
    async def guard_maker(self) -> GuardMaker:
        """Provide guards over one book."""
        book = UsageBook()

        async def make(quotas: Quotas) -> QuotaGuard:
            return MemoryQuotaGuard(quotas, book)

        return make


class TestSwitchedQuotaGuard(QuotaGuardContract):
    """While it allows, it is as good as the guard behind it."""

    @pytest.fixture
    async def guard_maker(self) -> GuardMaker:
        """Provide guards over one book."""
        book = UsageBook()

        async def make(quotas: Quotas) -> QuotaGuard:
            return SwitchedQuotaGuard(MemoryQuotaGuard(quotas, book))

        return make


async def test_it_denies_when_told_to() -> None:
    """Every ask, of tenants without a limit as well, until it allows again; nothing is counted."""
    guard = SwitchedQuotaGuard(MemoryQuotaGuard())
    guard.deny()

    assert guard.limits(DEFAULT_TENANT, Meter.RUNS)
    assert isinstance(await guard.can_proceed(DEFAULT_TENANT, now=EPOCH), Exhausted)
    assert isinstance(await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH), Exhausted)
    guard.allow()
    assert not guard.limits(DEFAULT_TENANT, Meter.RUNS)
    assert isinstance(await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH), Reservation)


async def test_it_finds_asks_too_fast_when_told_to() -> None:
    """It says when to ask again, and nothing else."""
    guard = SwitchedQuotaGuard(MemoryQuotaGuard())
    guard.hurry(timedelta(seconds=7))

    assert await guard.can_proceed(DEFAULT_TENANT, now=EPOCH) == Burst(
        retry_after=timedelta(seconds=7)
    )
