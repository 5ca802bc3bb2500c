"""
Measures the routes that are read most, over a real API and a PostgreSQL that holds months of work.

Two tenants share it: a large one, whose pages are turned, and one whose dashboard is looked at.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from cronicorn_api.composition import open_desk
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind

from bench.api_filling import Filling, fill, make_room, settle_down
from bench.postgres import server
from bench.processes import python, started

_SEED: Final = 6
TOGETHER: Final = 16
"""So many clients ask at once where a rate is measured."""
READS_LEAST: Final = 500
"""So many simple reads a second are aimed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route and how long it may take: so many milliseconds in 99 of 100 answers."""

    name: str
    path: str
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long the answers of a route took, in milliseconds."""

    route: Route
    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was measured."""

    filled_in: float
    routes: Sequence[Took]
    reads_a_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Who asks, and what there is to ask about."""

    key: str
    job: str
    endpoint: str
    jobs: Sequence[str] = ()
    endpoints: Sequence[str] = ()


_PAGES: Final = (
    Route(name="page of endpoints", path="/jobs/{job}/endpoints?limit=100", most=50),
    Route(name="page of runs", path="/endpoints/{endpoint}/runs?limit=100", most=50),
    Route(
        name="page of failed runs",
        path="/endpoints/{endpoint}/runs?limit=100&status=failed",
        most=50,
    ),
    Route(name="health", path="/endpoints/{endpoint}/health", most=50),
)
_DASHBOARD: Final = (
    Route(name="dashboard of 30 days", path="/dashboard/stats?startDate={start}", most=300),
    Route(name="activity of 30 days", path="/dashboard/activity?startDate={start}", most=300),
)


def measure_reads(pages: Filling, dashboard: Filling, *, times: int, seconds: float) -> Measured:
    """Fill a database, serve it, and ask each route so many times, then one for so long."""
    with (
        tempfile.TemporaryDirectory(prefix="cronicorn-reads-") as name,
        server() as postgres,
        postgres.database() as url,
        _served(url, Path(name)) as base,
    ):
        measuring = _measure(base, url, (pages, dashboard), times=times, seconds=seconds)
        return asyncio.run(measuring)


@contextmanager
def _served(url: str, folder: Path) -> Iterator[str]:
    command = python("cronicorn_api", "--port", "0", "--database", url)
    with started(command, output=folder / "api.log") as child:
        said = orjson.loads(child.wait_for('"serving"', within=60))
        yield f"http://127.0.0.1:{said['port']}/api"


async def _measure(
    base: str, url: str, fillings: Sequence[Filling], *, times: int, seconds: float
) -> Measured:
    began = time.monotonic()
    async with aiohttp.ClientSession() as session:
        large, small = await fill_tenants(session, base, url, fillings)
        filled_in = time.monotonic() - began
        routes, rate = await ask_all(session, base, large, small, times=times, seconds=seconds)
    return Measured(filled_in=filled_in, routes=routes, reads_a_second=rate)


async def fill_tenants(
    session: aiohttp.ClientSession, base: str, url: str, fillings: Sequence[Filling]
) -> Sequence[Tenant]:
    """Give a large tenant and a small one their months of work."""
    now = datetime.now(UTC)  # noqa: TID251  what is filled is the past
    large = await _begin(session, base, await _key(url, TenantId(new_uuid())))
    small = await _begin(session, base, await _key(url, DEFAULT_TENANT))
    await asyncio.to_thread(make_room, url, now=now)
    for tenant, filling in zip((large, small), fillings, strict=True):
        await asyncio.to_thread(fill, url, tenant.endpoint, filling, now=now)
    await asyncio.to_thread(settle_down, url)
    return large, small


async def ask_all(
    session: aiohttp.ClientSession,
    base: str,
    large: Tenant,
    small: Tenant,
    *,
    times: int,
    seconds: float,
) -> tuple[Sequence[Took], float]:
    """Ask the large tenant's pages and the small one's dashboard, and see what a second holds."""
    large = await _known(session, base, large)
    took = [await _timed(session, base, route, large, times) for route in _PAGES]
    took += [await _timed(session, base, route, small, max(5, times // 10)) for route in _DASHBOARD]
    rate = await _rate(session, f"{base}/jobs/{large.job}", large.key, seconds)
    return took, rate


async def _key(url: str, tenant: TenantId) -> str:
    caller = Caller(tenant=tenant, kind=CallerKind.SETUP, name="bench", scopes=EVERY_SCOPE)
    async with open_desk(url, None) as desk, desk.changing(caller) as work:
        return (await issue_key(work, name="bench", scopes=EVERY_SCOPE)).secret


async def _begin(session: aiohttp.ClientSession, base: str, key: str) -> Tenant:
    headers = {"x-api-key": key}
    given = {"name": "first", "url": "http://93.184.216.34/", "baselineIntervalMs": 3_600_000}
    async with session.post(f"{base}/jobs", json=given, headers=headers) as answer:
        job = (await answer.json())["id"]
    async with session.post(f"{base}/jobs/{job}/endpoints", json=given, headers=headers) as answer:
        endpoint = (await answer.json())["id"]
    return Tenant(key=key, job=job, endpoint=endpoint)


async def _known(session: aiohttp.ClientSession, base: str, tenant: Tenant) -> Tenant:
    """Find some of what a tenant has, to ask about."""
    jobs = (await _get(session, f"{base}/jobs", tenant.key))["jobs"]
    named = [each["id"] for each in jobs if each["endpointCount"] > 1]
    endpoints: list[str] = []
    for job in named[:10]:
        page = await _get(session, f"{base}/jobs/{job}/endpoints?limit=100", tenant.key)
        endpoints += [each["id"] for each in page["endpoints"]]
    return Tenant(
        key=tenant.key, job=tenant.job, endpoint=tenant.endpoint, jobs=named, endpoints=endpoints
    )


async def _get(session: aiohttp.ClientSession, url: str, key: str) -> Any:
    async with session.get(url, headers={"x-api-key": key}) as answer:
        answer.raise_for_status()
        return orjson.loads(await answer.read())


async def _timed(
    session: aiohttp.ClientSession, base: str, route: Route, tenant: Tenant, times: int
) -> Took:
    chance, took = random.Random(_SEED), []  # noqa: S311  the same pages each time
    start = datetime.now(UTC).date().toordinal() - 29  # noqa: TID251
    for _ in range(times):
        path = route.path.format(
            job=chance.choice(tenant.jobs or [tenant.job]),
            endpoint=chance.choice(tenant.endpoints or [tenant.endpoint]),
            start=datetime.fromordinal(start).date(),
        )
        began = time.perf_counter()
        await _get(session, f"{base}{path}", tenant.key)
        took.append(1000 * (time.perf_counter() - began))
    took.sort()
    return Took(route=route, p50=took[len(took) // 2], p99=took[-1 - len(took) // 100])


async def _rate(session: aiohttp.ClientSession, url: str, key: str, seconds: float) -> float:
    end, done = time.monotonic() + seconds, 0

    async def ask() -> None:
        nonlocal done
        while time.monotonic() < end:
            await _get(session, url, key)
            done += 1

    await asyncio.gather(*(ask() for _ in range(TOGETHER)))
    return done / seconds
