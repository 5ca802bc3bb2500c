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
from uuid import UUID

import aiohttp
import orjson
from cronicorn_api.composition import open_desk
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind

from bench.api_filling import (
    Filled,
    Filling,
    fill,
    filled_in,
    make_room,
    settle_down,
    top_up,
)
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
    """Everything that was measured, and over how much of each tenant."""

    fillings: Sequence[Filling]
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


def measure_reads(url: str, *, times: int, seconds: float) -> Measured:
    """Serve a database that was filled, and ask each route so many times, then one for so long."""
    large, small = filled_in(url)
    top_up(url, now=datetime.now(UTC))  # noqa: TID251  what is filled is the past
    with (
        tempfile.TemporaryDirectory(prefix="cronicorn-reads-") as name,
        served(url, Path(name)) as base,
    ):
        routes, rate = asyncio.run(
            _measure(base, url, (large, small), times=times, seconds=seconds)
        )
    return Measured(fillings=(large.filling, small.filling), routes=routes, reads_a_second=rate)


@contextmanager
def filled_database(fillings: Sequence[Filling]) -> Iterator[str]:
    """Give the URL of a database with months of work of some tenants, for as long as the block."""
    with (
        tempfile.TemporaryDirectory(prefix="cronicorn-filling-") as name,
        server() as postgres,
        postgres.database() as url,
    ):
        now = datetime.now(UTC)  # noqa: TID251  what is filled is the past
        with served(url, Path(name)) as base:
            endpoints = asyncio.run(_first_endpoints(base, url, len(fillings)))
        make_room(url, now=now)
        fill(url, dict(zip(endpoints, fillings, strict=True)), now=now)
        settle_down(url)
        yield url


@contextmanager
def served(url: str, folder: Path) -> Iterator[str]:
    """Run the API over a database; what it is told goes to a folder."""
    command = python("cronicorn_api", "--port", "0", "--database", url)
    with started(command, output=folder / "api.log") as child:
        said = orjson.loads(child.wait_for('"serving"', within=300))
        yield f"http://127.0.0.1:{said['port']}/api"


async def _first_endpoints(base: str, url: str, tenants: int) -> Sequence[str]:
    """Make an endpoint of each tenant; the last one is that of whoever starts without any."""
    own = [*(TenantId(new_uuid()) for _ in range(tenants - 1)), DEFAULT_TENANT]
    async with aiohttp.ClientSession() as session:
        return [await _first_endpoint(session, base, await _key(url, each)) for each in own]


async def _measure(
    base: str, url: str, tenants: Sequence[Filled], *, times: int, seconds: float
) -> tuple[Sequence[Took], float]:
    """Ask the large tenant's pages and the small one's dashboard, and see what a second holds."""
    large, small = tenants
    async with aiohttp.ClientSession() as session:
        pages = await _known(session, base, await _tenant(url, large))
        board = await _tenant(url, small)
        took = [await _timed(session, base, route, pages, times) for route in _PAGES]
        took += [
            await _timed(session, base, route, board, max(5, times // 3)) for route in _DASHBOARD
        ]
        rate = await _rate(session, f"{base}/jobs/{pages.job}", pages.key, seconds)
    return took, rate


async def _tenant(url: str, filled: Filled) -> Tenant:
    key = await _key(url, TenantId(UUID(filled.tenant)))
    return Tenant(key=key, job=filled.job, endpoint=filled.endpoint)


async def _key(url: str, tenant: TenantId) -> str:
    caller = Caller(tenant=tenant, kind=CallerKind.SETUP, name="bench", scopes=EVERY_SCOPE)
    async with open_desk(url, None) as desk, desk.changing(caller) as work:
        return (await issue_key(work, name="bench", scopes=EVERY_SCOPE)).secret


async def _first_endpoint(session: aiohttp.ClientSession, base: str, key: str) -> str:
    headers = {"x-api-key": key}
    given = {"name": "first", "url": "http://93.184.216.34/", "baselineIntervalMs": 3_600_000}
    async with session.post(f"{base}/jobs", json=given, headers=headers) as answer:
        job = (await answer.json())["id"]
    async with session.post(f"{base}/jobs/{job}/endpoints", json=given, headers=headers) as answer:
        return str((await answer.json())["id"])


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
