"""The measure of reads: what it fills is what months of work would have left."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.testing.databases import migrated_postgres
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.ports.overview import Selection
from cronicorn_domain.testing.builders import a_job, an_endpoint

from bench.api_filling import Filling, fill
from bench.api_reads import Measured, Route, Took, filled_database, measure_reads
from bench.machine import Noise, Quiet
from bench.reads_chapter import chapter

FEW = Filling(jobs=2, endpoints=5, runs=2000)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def url() -> Iterator[str]:
    """Give a migrated database of a server of its own."""
    with throwaway_postgres() as server, migrated_postgres(server) as url:
        yield url


async def test_statistics_agree_with_the_runs_that_are_filled_in(url: str) -> None:
    """Every sum counts each run once: minutes, hours of jobs and days of endpoints alike."""
    database = parse_database_url(url)
    async with open_store(database, vault=vault_for(database, secret_key=None)) as store:
        endpoint = an_endpoint(job := a_job())
        async with store.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(endpoint, now=endpoint.created_at)
            await unit.commit()
        await store.room.prepare(until=NOW, now=NOW - timedelta(days=31))
        await asyncio.to_thread(fill, url, {str(endpoint.id): FEW}, now=NOW)
        whole = Selection(since=NOW - timedelta(days=60), until=NOW)
        async with store.units.begin() as unit:
            runs = await unit.overview.count_runs(DEFAULT_TENANT, whole)
            hours = await unit.overview.hours(DEFAULT_TENANT, whole)
            jobs = await unit.overview.jobs(DEFAULT_TENANT, whole)
            busiest = await unit.overview.busiest(DEFAULT_TENANT, whole, limit=100)

    assert runs == 2000
    assert [sum(each.tally.runs for each in sums) for sums in (hours, jobs, busiest)] == [runs] * 3
    assert sum(each.tally.target_failure for each in jobs) == runs // 20


@pytest.mark.timeout(300)
def test_every_route_is_measured() -> None:
    """Each answers, and in its own time."""
    with filled_database([FEW, FEW]) as url:
        measured = measure_reads(url, times=10, seconds=1)

    assert len({each.route.name for each in measured.routes}) == len(measured.routes) >= 6
    assert all(0 < each.p50 <= each.p99 for each in measured.routes)
    assert measured.reads_a_second > 0


def test_a_route_that_takes_too_long_is_told_as_missed() -> None:
    """With what was aimed at, and how many reads a second there were."""
    routes = [
        Took(route=Route(name="runs", path="/runs", most=50), p50=10.0, p99=p99)
        for p99 in (49.9, 50.1)
    ]
    measured = Measured(fillings=(FEW, FEW), routes=routes, reads_a_second=499.0)
    quiet = Quiet(noise=Noise(others=80.0, steal=0.0), fsync_p50=0.1, fsync_p99=0.2)

    told = chapter(measured, times=300, machine=["2 x some"], quiet=quiet)

    assert "| runs | 10.0 | 49.9 | 50 | yes |" in told
    assert "| runs | 10.0 | 50.1 | 50 | **no** |" in told
    assert "499 times a second; at least 500 are aimed at, which is **missed**." in told
    assert "10 endpoints with 2,000 runs" in told
    assert "others use 80 % of a processor" in told
