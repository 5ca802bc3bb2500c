"""What there is to be seen: jobs and endpoints that do well, fail, rest, and have hostile names."""

import time
from dataclasses import dataclass

from tests.browser.served import Served

HOSTILE = (
    '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}'
    '<b hx-get="/x" hx-trigger="load">\u202eevil'
)
"""A name that would run, call, template or turn the page around, were it not text."""
_PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class World:
    """Ids of what was made, as addresses of pages need them."""

    job: str
    ok: str
    failing: str
    paused: str
    hostile: str
    run: str
    failed_run: str


def make_world(site: Served) -> World:
    """Make it, and wait until what is to have run has run."""
    site.target.answer("/catalog-sync", 503, '{"error": "database is down"}')
    site.target.answer("/queue-depth", 200, '{"queue": {"depth": 120}, "items": [1, 2, 3]}')
    site.target.answer("/hostile", 200, '{"<script>alert(3)</script>": "</script><img src=x>"}')
    job = site.a_job("shop", description="Everything that keeps the shop open")
    ok = site.an_endpoint(job, "queue-depth")
    failing = site.an_endpoint(job, "catalog-sync", baselineIntervalMs=300_000)
    paused = site.an_endpoint(job, "night-report", baselineCron="0 3 * * *")
    hostile = site.an_endpoint(
        job, HOSTILE, url=f"{site.target.url}/hostile?q=<script>alert(4)</script>"
    )
    site.post(f"/endpoints/{paused['id']}/pause")
    for each in (ok, failing, hostile):
        site.post(f"/endpoints/{each['id']}/run")
    return World(
        job=job["id"],
        ok=ok["id"],
        failing=failing["id"],
        paused=paused["id"],
        hostile=hostile["id"],
        run=ended_run(site, ok["id"]),
        failed_run=ended_run(site, failing["id"]),
    )


def ended_run(site: Served, endpoint: str) -> str:
    """Wait until a run of an endpoint has ended, and give its id."""
    return _a_run(site, endpoint, running=False)


def begun_run(site: Served, endpoint: str) -> str:
    """Wait until a run of an endpoint is under way, and give its id."""
    return _a_run(site, endpoint, running=True)


def _a_run(site: Served, endpoint: str, *, running: bool) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        runs = site.get(f"/endpoints/{endpoint}/runs")["runs"]
        found = [each for each in runs if (each["status"] == "running") is running]
        if found:
            run: str = found[0].get("runId") or found[0]["id"]
            return run
        time.sleep(0.1)
    raise AssertionError(f"endpoint {endpoint} has no run that {'runs' if running else 'ended'}")


def until_runs(site: Served, endpoint: str, count: int) -> None:
    """Wait until so many runs of an endpoint have ended."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        runs = site.get(f"/endpoints/{endpoint}/runs")["runs"]
        if sum(each["status"] != "running" for each in runs) >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"endpoint {endpoint} has not run {count} times")
