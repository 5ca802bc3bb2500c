"""A limit that is raised: what was put off to the month's end comes back with the next worker."""

from datetime import timedelta

import pytest
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard, UsageBook
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.quota import Meter, Quota, Quotas
from cronicorn_domain.testing.builders import EPOCH


def guard(limit: int, book: UsageBook) -> MemoryQuotaGuard:
    """Give the default tenant so many runs a month, of which some may be used."""
    return MemoryQuotaGuard(
        Quotas(tenants={(DEFAULT_TENANT, Meter.RUNS): Quota(limit=limit)}), book
    )


async def deferred(rig) -> int:
    """Count what waits for the month's end."""
    async with rig.units.begin() as unit:
        return len(await unit.catalog.list_out_of_runs(limit=100, now=rig.clock.now()))


@pytest.mark.parametrize(("limit", "left"), [(100, 0), (5, 3), (3, 5), (None, 0)])
async def test_a_worker_with_a_higher_limit_brings_them_back(rig, limit, left):
    """As many as there are runs left; the rest stays put off, and is not claimed: trap T02."""
    await rig.endpoints(5, seconds=3600)
    book = UsageBook()
    first = rig.working("one", quota=guard(3, book))
    await rig.until(3600 + 60)
    assert len(first.dispatcher.dispatches) == 3
    assert await deferred(rig) == 2
    await rig.until(7200 + 60)
    assert await deferred(rig) == 5
    first.scheduler.request_stop()

    second = rig.working("two", quota=None if limit is None else guard(limit, book))
    await rig.until(7200 + 120)

    assert len(second.dispatcher.dispatches) == 5 - left
    assert await deferred(rig) == left
    assert second.told("part_failed") == []
    assert len(second.told("run_claimed")) == 5 - left
    async with rig.units.begin() as unit:
        waits = await unit.catalog.list_out_of_runs(limit=100, now=EPOCH + timedelta(days=40))
    assert waits == []
