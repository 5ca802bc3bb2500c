"""The whole system, judged by the checker: processes, a PostgreSQL, a target that keeps a log."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from uuid import UUID

import pytest
from aiohttp import web
from cronicorn_adapter_sql.testing.databases import migrated_postgres
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_domain.identity import RunId

from tools.check.command import main
from tools.check.live import read_history
from tools.checker.check import examine
from tools.checker.history import History, Request

pytestmark = pytest.mark.timeout(180)

JOBS = """
jobs:
  - name: shop
    endpoints:
      - {{name: health, url: 'http://{address}/', every: 1s}}
      - {{name: stock, url: 'http://{address}/', every: 2s, jitter: 500ms}}
      - {{name: prices, url: 'http://{address}/', cron: '*/3 * * * * *', timezone: Europe/Berlin}}
      - {{name: sales, url: 'http://{address}/', every: 1h, max: 2s}}
      - {{name: orders, url: 'http://{address}/orders', every: 1s}}
      - {{name: broken, url: 'http://{address}/broken', every: 1s}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it arrived, and when it was answered."""

    run_id: RunId
    slot: datetime
    attempt: int
    sent_at: datetime
    ended_at: datetime
    key: str


@dataclass(slots=True)
class Target:
    """A server that keeps a log; one of its pages is broken."""

    address: str = ""
    calls: list[Call] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Write down who asks, and answer."""
        sent_at = datetime.fromtimestamp(time(), UTC)
        headers = request.headers
        self.calls.append(
            Call(
                run_id=RunId(UUID(headers["X-Cronicorn-Run-Id"])),
                slot=datetime.fromisoformat(headers["X-Cronicorn-Scheduled-For"]),
                attempt=int(headers["X-Cronicorn-Attempt"]),
                sent_at=sent_at,
                ended_at=datetime.fromtimestamp(time(), UTC),
                key=headers["Idempotency-Key"],
            )
        )
        return web.Response(status=500 if request.path == "/broken" else 200)


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    """Give a server on a free port of this machine."""
    target = Target()
    app = web.Application()
    app.router.add_route("*", "/{page:.*}", target.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield target
    await runner.cleanup()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Give a migrated PostgreSQL database."""
    with throwaway_postgres() as server, migrated_postgres(server) as url:
        yield url


async def worker(folder: Path, database: str, target: Target) -> int:
    """Let a worker process do its work for some seconds, and return its exit code."""
    jobs = folder / "jobs.yaml"
    jobs.write_text(JOBS.format(address=target.address))
    bare = {name: value for name, value in os.environ.items() if not name.startswith("CRONICORN_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cronicorn_worker", "--log-format", "json"),
        *("--database", database, "--jobs", str(jobs), "--egress-allow", target.address),
        *("--for", "6s"),
        env=bare,
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


def with_requests(history: History, calls: list[Call]) -> History:
    endpoint_of = {run.id: run.endpoint_id for run in history.runs}
    requests = [
        Request(
            run_id=call.run_id,
            endpoint_id=endpoint_of[call.run_id],
            slot=call.slot,
            attempt=call.attempt,
            sent_at=call.sent_at,
            ended_at=call.ended_at,
            key=call.key,
        )
        for call in calls
    ]
    return replace(history, requests=requests)


async def test_two_workers_on_one_database_have_no_fault(
    tmp_path: Path, target: Target, database: str
) -> None:
    """Traps T05, T09, T10, T23: what both have run and recorded is what had to be, seen outside."""
    await asyncio.gather(worker(tmp_path, database, target), worker(tmp_path, database, target))
    history = with_requests(await read_history(database), target.calls)
    report = examine(history)

    assert report.findings == []
    assert report.endpoints == 6
    assert len(history.requests) == len(history.runs) > 12


async def test_a_database_can_be_judged_by_command(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how much there was to judge, and that nothing was found."""
    code = await asyncio.to_thread(main, ["--database", database])

    assert (code, "nothing found" in capsys.readouterr().out) == (0, True)


async def test_what_is_missing_in_a_database_is_found(
    tmp_path: Path, target: Target, database: str
) -> None:
    """A slot whose run is gone is lost; a change of an endpoint's past is not judged."""
    await worker(tmp_path, database, target)
    history = await read_history(database)
    busiest, _ = Counter(run.endpoint_id for run in history.runs).most_common(1)[0]
    of_it = [run for run in history.runs if run.endpoint_id == busiest]
    gone = of_it[len(of_it) // 2]
    without = replace(history, runs=[run for run in history.runs if run is not gone])
    later = await read_history(database, since=history.ends_at + timedelta(days=1))

    assert "lost" in {finding.fault for finding in examine(without).findings}
    assert later.runs == []
