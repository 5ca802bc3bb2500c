"""What a tenant has used of its plan, where quotas are counted and where none are."""

from dataclasses import replace

from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.quota import Meter, Quota, Quotas
from cronicorn_management.usage.reading import read_usage


async def used(office):
    """Read it as Ada does."""
    async with office.reading() as work:
        return await read_usage(work)


async def test_without_quotas_a_month_has_no_limit(office):
    """Nothing was used, and the plan says what else may be."""
    usage = await used(office)

    assert (usage.runs, usage.tokens) == (0, 0)
    assert (usage.runs_limit, usage.tokens_limit) == (None, None)
    assert usage.allowance == office.allowance


async def test_a_quota_counts_and_limits_what_is_shown(office):
    """The runs that count against it, and the tokens, which have none here."""
    quotas = Quotas(every={Meter.RUNS: Quota(limit=500)})
    guard = MemoryQuotaGuard(quotas)
    await guard.record_usage(DEFAULT_TENANT, 7, Meter.RUNS, now=office.clock.now())
    await guard.record_usage(DEFAULT_TENANT, 1234, now=office.clock.now())
    office.desk = replace(office.desk, quota=guard)

    usage = await used(office)

    assert (usage.runs, usage.tokens) == (7, 1234)
    assert (usage.runs_limit, usage.tokens_limit) == (500, None)


async def test_what_is_archived_gives_no_use_back(office):
    """Trap T19: jobs go, and what they have used stays used."""
    guard = MemoryQuotaGuard(Quotas(every={Meter.RUNS: Quota(limit=500)}))
    office.desk = replace(office.desk, quota=guard)
    endpoint = await office.an_endpoint()
    await guard.record_usage(DEFAULT_TENANT, 7, Meter.RUNS, now=office.clock.now())

    async with office.changing() as work:
        await work.catalog.archive_endpoint(DEFAULT_TENANT, endpoint.id, now=work.now)

    usage = await used(office)
    assert (usage.runs, usage.endpoints) == (7, 0)
