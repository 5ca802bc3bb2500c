"""The worker itself, behind a pooler."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from aiohttp import web
from cronicorn_adapter_sql.testing.databases import empty_postgres
from cronicorn_adapter_sql.testing.pooler import IGNORES, REFUSES, through

pytestmark = pytest.mark.parametrize(
    "pooler_port", [REFUSES, IGNORES], ids=["refuses", "ignores"], indirect=True
)

WITHIN = 120.0
"""Seconds after which a worker will not end any more."""


async def work(folder: Path, url: str, address: str, *more: str) -> list[dict[str, object]]:
    """Run a worker for a while, and return its lines; it has to end well."""
    jobs = folder / "jobs.yaml"
    endpoint = f"{{name: health, url: 'http://{address}/health', every: 1s}}"
    jobs.write_text(f"jobs:\n  - name: shop\n    endpoints:\n      - {endpoint}\n")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("CRONICORN_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cronicorn_worker", "--log-format", "json", "--for", "4s"),
        *("--database", url, "--jobs", str(jobs), "--egress-allow", address, *more),
        cwd=folder,
        env=bare,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WITHIN):
        lines, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (0, "")
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("told", [True, False], ids=["told", "by-itself"])
async def test_a_worker_migrates_runs_and_drains(
    tmp_path: Path, postgres_url: str, pooler_port: int, *, told: bool
) -> None:
    """It brings the schema, keeps its rhythm, loses nothing, and notices the pooler by itself."""
    called: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        called.append(request.headers["X-Cronicorn-Scheduled-For"])
        return web.Response(text="well")

    app = web.Application()
    app.router.add_get("/health", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with empty_postgres(postgres_url) as url:
        lines = await work(
            tmp_path,
            through(pooler_port, url),
            f"127.0.0.1:{runner.addresses[0][1]}",
            *(["--poll-only"] if told else []),
        )
    await runner.cleanup()

    (summary,) = [line for line in lines if line["event"] == "summary"]
    assert summary["outcomes"] == {"success": len(called)}
    assert (summary["early"], summary["lost"]) == (0, 0)
    assert len(called) == len(set(called)) >= 2
