"""Measures the dashboard over a PostgreSQL that holds months of work: its pages, tabs and paint."""

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import psycopg
from cronicorn_api.composition import open_desk
from cronicorn_domain.identity import TenantId
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind
from cronicorn_management.people.adding import add_person
from playwright.sync_api import sync_playwright

from bench.api_filling import Filling, filled_in, top_up
from bench.api_reads import served
from bench.page_filling import RUNS_EVERY, end_a_run, one_of_each, spread
from bench.page_tabs import Tab

PAGE_MOST: Final = 200.0
"""So many milliseconds a page may take in 99 of 100 answers."""
PAINT_MOST: Final = 300.0
"""So many milliseconds may pass until something is seen, in the browser."""
QUERIES_MOST: Final = 1.0
"""So many questions a second all live pages together may ask."""
TABS_OF_ONE: Final = 5
"""So many tabs each person has: the fifth has no stream, and asks by itself."""
WARM_UP: Final = 30.0
"""So many seconds tabs look before is counted: a first burst is over then."""
PAGES: Final = {
    "Now": "/",
    "Endpoints": "/endpoints",
    "Endpoints, worst first": "/endpoints?sort=worst",
    "Endpoints, next first": "/endpoints?sort=next",
    "Endpoints, a text": "/endpoints?q=endpoint+77",
    "Endpoints, a text nobody has": "/endpoints?q=nobody",
    "Endpoints, failing": "/endpoints?state=failing",
    "Endpoints, paused": "/endpoints?state=paused",
    "Endpoints, by source": "/endpoints?source=schedule",
    "Jobs": "/jobs",
    "Job": "/jobs/{job}",
    "Endpoint": "/endpoints/{endpoint}",
    "Endpoint, 30 days": "/endpoints/{endpoint}?window=30d",
    "History": "/endpoints/{endpoint}/runs",
    "Run": "/runs/{run}",
    "Run that failed": "/runs/{failed}",
    "Rules": "/endpoints/{endpoint}/rules",
    "Edit": "/endpoints/{endpoint}/edit",
    "Statistics": "/statistics",
    "Statistics, 7 days": "/statistics?days=7",
    "Statistics of a job": "/statistics?job={job}",
    "Statistics, the sums alone": "/_/statistics",
    "Statistics, the sums of 30 days": "/_/statistics?days=30",
    "Sessions": "/sessions",
    "Usage": "/settings/usage",
    "Audit": "/settings/audit",
    "System": "/settings/system",
}
_PAINTED: Final = ("Now", "Endpoints", "Endpoint", "Statistics")
_LOADS: Final = 10
_FLAGS: Final = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run")
_PAINT: Final = (
    "() => performance.getEntriesByName('first-contentful-paint').map((each) => each.startTime)[0]"
)
_ASKED: Final = (
    "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements JOIN pg_database ON"
    " pg_database.oid = dbid WHERE datname = %s AND query !~*"
    " '^\\s*(begin|commit|rollback|deallocate|select set_config|insert into runs )'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTook:
    """How long a page took, in milliseconds, and how large it is, in KiB and not compressed."""

    name: str
    p50: float
    p99: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """After how many milliseconds something of a page was seen: usually, and at the worst."""

    name: str
    usual: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesMeasured:
    """Everything that was measured; questions are counted where nothing happens, and runs end."""

    filling: Filling
    pages: Sequence[PageTook]
    painted: Sequence[Painted]
    tabs: int
    quiet_queries: float
    busy_queries: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    base: str
    url: str
    tenant: str
    password: str

    @property
    def person(self) -> dict[str, str]:
        """What somebody signs in with."""
        return {"email": _email(self.tenant), "password": self.password}


def measure_pages(url: str, *, times: int, tabs: int, seconds: float) -> PagesMeasured:
    """
    Look at all pages of the largest tenant of a database that was filled.

    It is written to: a person who signs in, runs that end, and where endpoints stand.
    """
    now = datetime.now(UTC)  # noqa: TID251  what is filled is the past
    largest = filled_in(url)[0]
    top_up(url, now=now)
    spread(url, largest.tenant, now=now)
    password = secrets.token_urlsafe()
    asyncio.run(_settle_in(url, largest.tenant, password))
    named = {name: at.format(**one_of_each(url, largest.tenant)) for name, at in PAGES.items()}
    with (
        tempfile.TemporaryDirectory(prefix="cronicorn-pages-") as folder,
        served(url, Path(folder)) as base,
    ):
        site = _Site(
            base=base.removesuffix("/api"), url=url, tenant=largest.tenant, password=password
        )
        pages = asyncio.run(_ask(site, named, times))
        painted = _paint(site, {name: named[name] for name in _PAINTED})
        quiet, busy = asyncio.run(_watch_tabs(site, tabs, seconds))
    return PagesMeasured(
        filling=largest.filling,
        pages=pages,
        painted=painted,
        tabs=tabs,
        quiet_queries=quiet,
        busy_queries=busy,
    )


def _setup(tenant: TenantId) -> Caller:
    return Caller(tenant=tenant, kind=CallerKind.SETUP, name="bench", scopes=EVERY_SCOPE)


def _email(tenant: str) -> str:
    return f"bench-{tenant[:8]}@example.org"


async def _settle_in(url: str, tenant: str, password: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM people WHERE email = %s", (_email(tenant),))
    async with open_desk(url, None) as desk:
        caller = _setup(TenantId(UUID(tenant)))
        await add_person(desk, caller, email=_email(tenant), password=password, scopes=EVERY_SCOPE)


async def _signed_in(site: _Site, stack: AsyncExitStack, *, desk: int = 0) -> aiohttp.ClientSession:
    """Sign in, from an address of each desk's own: one alone may not try so often."""
    jar = aiohttp.CookieJar(unsafe=True)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(
            cookie_jar=jar,
            headers={"Origin": site.base},
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=2, local_addr=(f"127.0.0.{desk + 2}", 0)
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=60),
        )
    )
    async with session.post(f"{site.base}/sign-in", data=site.person) as answer:
        answer.raise_for_status()
    return session


async def _ask(site: _Site, pages: dict[str, str], times: int) -> Sequence[PageTook]:
    async with AsyncExitStack() as stack:
        session = await _signed_in(site, stack)
        return [await _took(session, site.base, name, at, times) for name, at in pages.items()]


async def _took(
    session: aiohttp.ClientSession, base: str, name: str, address: str, times: int
) -> PageTook:
    took, size = [], 0
    for _ in range(times):
        began = time.perf_counter()
        async with session.get(f"{base}{address}") as answer:
            answer.raise_for_status()
            size = len(await answer.read())
        took.append(1000 * (time.perf_counter() - began))
    took.sort()
    return PageTook(
        name=name, p50=took[len(took) // 2], p99=took[-1 - len(took) // 100], size=size / 1024
    )


def _paint(site: _Site, pages: dict[str, str]) -> Sequence[Painted]:
    """Load pages in a browser that has loaded nothing before, and then some more."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        return ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_FLAGS))
        page = browser.new_page(base_url=site.base)
        page.goto("/sign-in")
        for name, value in site.person.items():
            page.locator(f'[name="{name}"]').fill(value)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        found = []
        for name, address in pages.items():
            seen = []
            for _ in range(_LOADS):
                page.goto(address, wait_until="load")
                page.wait_for_function("() => performance.getEntriesByType('paint').length > 1")
                seen.append(float(page.evaluate(_PAINT)))
            seen.sort()
            found.append(Painted(name=name, usual=seen[len(seen) // 2], worst=seen[-1]))
        browser.close()
    return found


async def _watch_tabs(site: _Site, tabs: int, seconds: float) -> tuple[float, float]:
    """Count what tabs ask, together: while nothing happens, and while runs never pause."""
    async with AsyncExitStack() as stack:
        people = [
            await _signed_in(site, stack, desk=desk) for desk in range(-(-tabs // TABS_OF_ONE))
        ]
        looking = [
            asyncio.create_task(Tab(people[number // TABS_OF_ONE], site.base).look())
            for number in range(tabs)
        ]
        try:
            quiet = await _counted(site, seconds)
            running = asyncio.create_task(_run_on(site))
            try:
                busy = await _counted(site, seconds)
            finally:
                running.cancel()
            for each in looking:
                if each.done():
                    each.result()
        finally:
            for each in looking:
                each.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
    return quiet, busy


async def _counted(site: _Site, seconds: float) -> float:
    await asyncio.sleep(WARM_UP)
    before = await asyncio.to_thread(_asked, site)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    asked = await asyncio.to_thread(_asked, site) - before
    return asked / (time.monotonic() - began)


def _asked(site: _Site) -> int:
    parts = urlsplit(site.url)
    name = parts.path.removeprefix("/")
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
        row = connection.execute(_ASKED, (name,)).fetchone()
    assert row is not None
    return int(row[0])


async def _run_on(site: _Site) -> None:
    endpoint = one_of_each(site.url, site.tenant)["endpoint"]
    with psycopg.connect(site.url, autocommit=True) as connection:
        number = 0
        while True:
            number += 1
            end_a_run(connection, site.tenant, endpoint, failed=number % 10 == 0)
            await asyncio.sleep(RUNS_EVERY)
