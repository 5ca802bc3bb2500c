"""The worker as its users run it: a process, a database, and a server that counts its calls."""

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

import aiohttp
import psycopg
import pytest
from aiohttp import web
from cronicorn_adapter_sql.testing.databases import sqlite_url
from cronicorn_scheduler.echoes import ECHO_WITHIN

pytestmark = pytest.mark.timeout(400)

WITHIN = 120.0
"""Seconds after which what was waited for will not come any more."""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it arrived."""

    path: str
    key: str
    slot: datetime
    attempt: int
    trace: str
    arrived: datetime


@dataclass(slots=True)
class Target:
    """A local server that keeps what it is asked, and may keep its answers to itself."""

    address: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        """Record the call, and answer when answers are given."""
        headers = request.headers
        call = Call(
            path=request.path,
            key=headers["Idempotency-Key"],
            slot=datetime.fromisoformat(headers["X-Cronicorn-Scheduled-For"]),
            attempt=int(headers["X-Cronicorn-Attempt"]),
            trace=headers["traceparent"].split("-")[1],
            arrived=datetime.fromtimestamp(time(), UTC),
        )
        async with self._news:
            self.calls.append(call)
            self._news.notify_all()
        await self.answers.wait()
        return web.Response(text="well")

    async def has(self, condition: Callable[[list[Call]], bool]) -> None:
        """Wait until the calls so far fulfil a condition."""
        async with asyncio.timeout(WITHIN), self._news:
            await self._news.wait_for(lambda: condition(self.calls))


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    """Give a server on a free port of this machine that answers at once."""
    target = Target()
    target.answers.set()
    app = web.Application()
    app.router.add_route("*", "/{page:.*}", target.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield target
    target.answers.set()
    await runner.cleanup()


class Worker:
    """A worker process whose JSON lines are read as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self.errors = ""
        self._process = process
        self._news = asyncio.Condition()
        self._reading = asyncio.gather(self._read_lines(), self._read_errors())

    async def told(self, event: str, times: int = 1) -> dict[str, Any]:
        """Wait for a line, or the last of several, and return it."""
        async with asyncio.timeout(WITHIN), self._news:
            await self._news.wait_for(lambda: len(self.all(event)) >= times)
        return self.all(event)[times - 1]

    def all(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of a name so far."""
        return [line for line in self.lines if line.get("event") == event]

    async def insist(self, number: signal.Signals) -> int:
        """Ask again and again, as a person does who sees it go on, and return the exit code."""
        async with asyncio.timeout(WITHIN):
            while self._process.returncode is None:
                self.signal(number)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), ECHO_WITHIN)
        return await self.exit_code()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process."""
        self._process.send_signal(number)

    def interrupt_all(self) -> None:
        """Interrupt this process and all that it started, as a terminal does."""
        os.killpg(self._process.pid, signal.SIGINT)

    async def exit_code(self) -> int:
        """Wait for the end, and for the last line."""
        async with asyncio.timeout(WITHIN):
            code = await self._process.wait()
            await self._reading
        return code

    async def end(self) -> None:
        """Leave nothing behind."""
        if self._process.returncode is None:
            self._process.kill()
        await self.exit_code()

    async def _read_lines(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._news:
                self.lines.append(json.loads(line))
                self._news.notify_all()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self.errors = (await self._process.stderr.read()).decode()


@asynccontextmanager
async def a_worker(folder: Path, *arguments: str, **environ: str) -> AsyncIterator[Worker]:
    """Start a worker in a folder, with nothing set in its environment."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CRONICORN_") and name != "DATABASE_URL"
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cronicorn_worker", "--log-format", "json", *arguments),
        cwd=folder,
        env=bare | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    worker = Worker(process)
    try:
        yield worker
    finally:
        await worker.end()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a fresh database of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    url: str = request.getfixturevalue("postgres")
    return url


def jobs_file(folder: Path, target: Target, names: list[str]) -> Path:
    """Write a jobs file with an endpoint of one second for each name."""
    endpoints = [
        f"      - {{name: {name}, url: 'http://{target.address}/{name}', every: 1s}}"
        for name in names
    ]
    path = folder / "jobs.yaml"
    path.write_text("\n".join(["jobs:", "  - name: shop", "    endpoints:", *endpoints, ""]))
    return path


def assert_exactly_once(calls: list[Call]) -> None:
    """See that no slot was called twice, none between first and last was left out, none early."""
    slots: dict[str, list[datetime]] = {}
    for call in calls:
        slots.setdefault(call.path, []).append(call.slot)
        assert call.arrived >= call.slot
    assert max(Counter(call.key for call in calls).values()) == 1
    for path, seen in slots.items():
        ordered = sorted(seen)
        expected = [ordered[0] + n * SECOND for n in range(len(ordered))]
        assert ordered == expected, path


async def test_an_interval_is_kept(tmp_path: Path, target: Target, database: str) -> None:
    """Traps T09, T10, T23: every second once, none early, none doubled; the summary agrees."""
    path = jobs_file(tmp_path, target, ["health"])

    async with a_worker(
        tmp_path,
        *("--database", database, "--jobs", str(path), "--for", "4s"),
        *("--egress-allow", target.address),
    ) as worker:
        code = await worker.exit_code()

    (summary,) = worker.all("summary")
    assert (code, worker.errors) == (0, "")
    assert len(target.calls) in {3, 4, 5}
    assert_exactly_once(target.calls)
    assert summary["outcomes"] == {"success": len(target.calls)}
    assert (summary["early"], summary["lost"]) == (0, 0)
    assert len(worker.all("run_succeeded")) == len(target.calls)


async def test_sigterm_lets_what_runs_finish(tmp_path: Path, target: Target) -> None:
    """A request under way is answered and settled, nothing new is begun, and the exit is good."""
    path = jobs_file(tmp_path, target, ["health"])
    target.answers.clear()

    async with a_worker(tmp_path, "--jobs", str(path), "--egress-allow", target.address) as worker:
        await target.has(lambda calls: len(calls) == 1)
        worker.signal(signal.SIGTERM)
        await worker.told("scheduler_draining")
        target.answers.set()
        code = await worker.exit_code()

    (summary,) = worker.all("summary")
    assert code == 0
    assert summary["outcomes"] == {"success": 1}
    assert len(target.calls) == 1


async def test_a_second_signal_asks_for_haste(tmp_path: Path, target: Target) -> None:
    """What does not end by itself is cut off; its slot is repeated later, and the exit says so."""
    path = jobs_file(tmp_path, target, ["health"])
    target.answers.clear()

    async with a_worker(tmp_path, "--jobs", str(path), "--egress-allow", target.address) as worker:
        await target.has(lambda calls: len(calls) == 1)
        worker.signal(signal.SIGINT)
        await worker.told("scheduler_draining")
        code = await worker.insist(signal.SIGINT)

    (summary,) = worker.all("summary")
    assert code == 1
    assert "1 run had not ended and been settled" in worker.errors
    assert (summary["runs"], summary["lost"], summary["abandoned"]) == (0, 1, 1)


async def test_two_workers_share_the_work(tmp_path: Path, target: Target, postgres: str) -> None:
    """Trap T05: started together on one database, they run every slot once, and leave none out."""
    names = [f"e{n}" for n in range(20)]
    path = jobs_file(tmp_path, target, names)
    options = ("--database", postgres, "--jobs", str(path), "--egress-allow", target.address)

    async with a_worker(tmp_path, *options) as one, a_worker(tmp_path, *options) as two:
        await one.told("scheduler_started")
        await two.told("scheduler_started")
        await target.has(lambda calls: min(counted(calls, names)) >= 4)
        one.signal(signal.SIGTERM)
        two.signal(signal.SIGTERM)
        codes = [await one.exit_code(), await two.exit_code()]

    created = [worker.all("jobs_applied")[0]["created"] for worker in (one, two)]
    assert codes == [0, 0]
    assert sorted(created) == [0, 21]
    assert_exactly_once(target.calls)
    assert len(one.all("run_succeeded")) + len(two.all("run_succeeded")) == len(target.calls)


def counted(calls: list[Call], names: list[str]) -> list[int]:
    """Count the calls of each endpoint."""
    count = Counter(call.path for call in calls)
    return [count[f"/{name}"] for name in names]


async def test_a_killed_workers_slots_are_taken_over(
    tmp_path: Path, target: Target, postgres: str
) -> None:
    """Trap T48: kill -9 loses nothing: each slot is repeated, with the same idempotency key."""
    names = [f"e{n}" for n in range(8)]
    path = jobs_file(tmp_path, target, names)
    options = ("--database", postgres, "--jobs", str(path), "--egress-allow", target.address)
    target.answers.clear()

    async with a_worker(tmp_path, *options) as killed:
        await target.has(lambda calls: len(calls) == len(names))
        async with a_worker(tmp_path, *options) as heir:
            await heir.told("scheduler_started")
            killed.signal(signal.SIGKILL)
            await killed.exit_code()
            target.answers.set()
            await target.has(lambda calls: sum(call.attempt == 2 for call in calls) == len(names))
            heir.signal(signal.SIGTERM)
            code = await heir.exit_code()

    firsts, repeats = target.calls[: len(names)], [c for c in target.calls if c.attempt == 2]
    assert code == 0
    assert {(c.path, c.key, c.slot) for c in repeats} == {(c.path, c.key, c.slot) for c in firsts}
    assert len(heir.all("run_reaped")) == len(names)
    assert max(Counter((call.key, call.attempt) for call in target.calls).values()) == 1


async def test_a_process_that_dies_is_replaced(
    tmp_path: Path, target: Target, postgres: str
) -> None:
    """Of several one is killed: another takes its place and number; none of its slots is lost."""
    names = [f"e{n}" for n in range(8)]
    path = jobs_file(tmp_path, target, names)
    options = ("--database", postgres, "--jobs", str(path), "--egress-allow", target.address)

    async with a_worker(tmp_path, *options, "--processes", "2") as worker:
        await worker.told("scheduler_started", times=2)
        await target.has(lambda calls: min(counted(calls, names)) >= 1)
        killed = await worker.told("process_started")
        os.kill(killed["pid"], signal.SIGKILL)
        replaced = await worker.told("process_started", times=3)
        await worker.told("scheduler_started", times=3)
        begun = counted(target.calls, names)
        await target.has(lambda calls: all(map(int.__lt__, begun, counted(calls, names))))
        worker.signal(signal.SIGTERM)
        code = await worker.exit_code()

    (ended,), (summary,) = worker.all("process_ended"), worker.all("summary")
    assert (code, worker.errors) == (0, "")
    assert (ended["process"], ended["exit"], ended["level"]) == (killed["process"], -9, "error")
    assert replaced["process"] == killed["process"]
    assert replaced["pid"] != killed["pid"]
    assert (summary["died"], summary["abandoned"]) == (1, 0)
    assert {line["process"] for line in worker.all("run_succeeded")} <= {1, 2}
    assert max(Counter((call.key, call.attempt) for call in target.calls).values()) == 1


async def test_jobs_come_when_all_processes_can_take_them(
    tmp_path: Path, target: Target, database: str
) -> None:
    """The file is applied between their start and their beginning: no first slot is late."""
    path = jobs_file(tmp_path, target, ["health"])
    options = ("--database", database, "--jobs", str(path), "--egress-allow", target.address)

    async with a_worker(tmp_path, *options, "--processes", "2") as worker:
        await worker.told("scheduler_started", times=2)
        worker.signal(signal.SIGTERM)
        code = await worker.exit_code()

    order = ("process_started", "jobs_applied", "scheduler_started")
    seen = [line["event"] for line in worker.lines if line["event"] in order]
    assert (code, worker.errors) == (0, "")
    assert seen == [order[0], order[0], order[1], order[2], order[2]]


async def test_all_processes_go_by_the_options(
    tmp_path: Path, target: Target, postgres: str
) -> None:
    """Told that there is a pooler, none of several listens on a session that may be another's."""
    path = jobs_file(tmp_path, target, ["health"])
    options = ("--database", postgres, "--jobs", str(path), "--egress-allow", target.address)

    async with a_worker(tmp_path, *options, "--processes", "2", "--poll-only") as worker:
        await worker.told("run_succeeded", times=2)
        with psycopg.connect(postgres) as connection:
            listening = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            ).fetchone()
        worker.signal(signal.SIGTERM)
        code = await worker.exit_code()

    assert (code, worker.errors) == (0, "")
    assert listening == (0,)


async def test_a_signal_to_all_processes_counts_once(
    tmp_path: Path, target: Target, database: str
) -> None:
    """Ctrl-C reaches the keeper and the kept: what runs is finished all the same, and summed up."""
    path = jobs_file(tmp_path, target, ["health", "stock"])
    target.answers.clear()
    options = ("--database", database, "--jobs", str(path), "--egress-allow", target.address)

    async with a_worker(tmp_path, *options, "--processes", "2") as worker:
        await worker.told("scheduler_started", times=2)
        await target.has(lambda calls: len(calls) == 2)
        worker.interrupt_all()
        await worker.told("scheduler_draining", times=2)
        target.answers.set()
        code = await worker.exit_code()

    (summary,) = worker.all("summary")
    assert (code, worker.errors) == (0, "")
    assert summary["outcomes"] == {"success": 2}
    assert len(worker.all("scheduler_stopped")) == 2


async def test_a_second_signal_hurries_every_process(
    tmp_path: Path, target: Target, postgres: str
) -> None:
    """What no process could end is cut off, and the exit says how many of all of them."""
    path = jobs_file(tmp_path, target, ["health", "stock"])
    target.answers.clear()
    options = ("--database", postgres, "--jobs", str(path), "--egress-allow", target.address)

    async with a_worker(tmp_path, *options, "--processes", "2") as worker:
        await worker.told("scheduler_started", times=2)
        await target.has(lambda calls: len(calls) == 2)
        worker.signal(signal.SIGTERM)
        await worker.told("scheduler_draining", times=2)
        code = await worker.insist(signal.SIGTERM)

    (summary,) = worker.all("summary")
    assert code == 1
    assert "2 runs had not ended and been settled" in worker.errors
    assert summary["abandoned"] == 2


async def test_processes_without_their_keeper_drain(
    tmp_path: Path, target: Target, postgres: str
) -> None:
    """When the worker itself is killed, its processes finish what runs, and go."""
    path = jobs_file(tmp_path, target, ["health"])
    target.answers.clear()
    options = ("--database", postgres, "--jobs", str(path), "--egress-allow", target.address)

    async with a_worker(tmp_path, *options, "--processes", "2") as worker:
        await worker.told("scheduler_started", times=2)
        await target.has(lambda calls: len(calls) == 1)
        worker.signal(signal.SIGKILL)
        await worker.told("scheduler_draining", times=2)
        target.answers.set()
        await worker.told("scheduler_stopped", times=2)

    assert len(worker.all("run_succeeded")) == len(target.calls) == 1


async def scraped(address: str, route: str = "/metrics") -> tuple[int, str]:
    """Return status and text of what a worker serves."""
    async with aiohttp.ClientSession() as client, client.get(f"{address}{route}") as answer:
        return answer.status, await answer.text()


def sample(text: str, name: str) -> float:
    """Return the value of a series in a scrape."""
    (value,) = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(name)]
    return float(value)


async def test_a_worker_tells_its_metrics_and_its_health(
    tmp_path: Path, target: Target, database: str
) -> None:
    """A scrape of a real process agrees with its log lines, and does not say whose the runs are."""
    path = jobs_file(tmp_path, target, ["health"])
    arguments = ["--jobs", str(path), "--egress-allow", target.address, "--database", database]

    async with a_worker(tmp_path, *arguments, "--metrics-port", "0") as worker:
        served = await worker.told("metrics_served")
        await worker.told("run_succeeded", times=2)
        settled = len(worker.all("run_succeeded"))
        _, text = await scraped(served["address"])
        health = [await scraped(served["address"], route) for route in ("/healthz", "/readyz")]
        worker.signal(signal.SIGTERM)
        code = await worker.exit_code()

    total = 'cronicorn_runs_total{outcome="success",source="baseline-interval"}'
    assert served["address"].startswith("http://127.0.0.1:")
    assert settled <= sample(text, total) <= settled + 1
    assert sample(text, "cronicorn_lateness_seconds_count") >= settled
    assert sample(text, 'cronicorn_store_seconds_count{call="settle"}') >= 1
    assert sample(text, "cronicorn_ready") == 1
    assert sample(text, "cronicorn_store_connections_most") == 8
    assert [status for status, _ in health] == [200, 200]
    assert target.address not in text
    assert code == 0


async def test_each_of_several_processes_has_metrics_of_its_own(tmp_path: Path) -> None:
    """Each counts for itself, so each is asked for itself, at the address that its line tells."""
    async with a_worker(tmp_path, "--processes", "2", "--metrics-port", "0") as worker:
        await worker.told("scheduler_started", times=2)
        served = worker.all("metrics_served")
        answers = [await scraped(each["address"]) for each in served]

    assert {each["process"] for each in served} == {1, 2}
    assert len({each["address"] for each in served}) == 2
    assert all("cronicorn_concurrency 400.0" in text for _, text in answers)


async def test_a_process_that_was_replaced_says_so(tmp_path: Path) -> None:
    """It counts from nothing, but for how often it was replaced: a scrape shows which one dies."""
    async with a_worker(tmp_path, "--processes", "2", "--metrics-port", "0") as worker:
        await worker.told("scheduler_started", times=2)
        killed = await worker.told("process_started")
        os.kill(killed["pid"], signal.SIGKILL)
        await worker.told("scheduler_started", times=3)
        served = {each["process"]: each["address"] for each in worker.all("metrics_served")}
        scrapes = {number: await scraped(address) for number, address in served.items()}

    replaced = {
        number: sample(text, "cronicorn_process_replacements_total")
        for number, (_, text) in scrapes.items()
    }
    assert replaced == {1: 0, 2: 0} | {killed["process"]: 1}


async def test_a_worker_without_the_option_listens_nowhere(tmp_path: Path) -> None:
    """Off unless asked for, and then no line tells an address."""
    async with a_worker(tmp_path, "--for", "100ms") as worker:
        code = await worker.exit_code()

    assert (code, worker.all("metrics_served")) == (0, [])


async def test_a_trace_has_the_id_that_the_request_carried(tmp_path: Path, target: Target) -> None:
    """What the target traces hangs below our span: a receiver gets the id that the target got."""
    received: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await received.put((request.path, await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{page:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    path = jobs_file(tmp_path, target, ["health"])
    arguments = ["--jobs", str(path), "--egress-allow", target.address, "--traces"]
    receiver = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{runner.addresses[0][1]}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    try:
        async with a_worker(tmp_path, *arguments, **receiver) as worker:
            line = await worker.told("run_succeeded")
            worker.signal(signal.SIGTERM)
            code = await worker.exit_code()
        route, body = received.get_nowait()
    finally:
        await runner.cleanup()

    assert (code, route) == (0, "/v1/traces")
    assert UUID(line["run_id"]).bytes in body
    assert target.address.encode() not in body
    assert target.calls[0].trace == UUID(line["run_id"]).hex


@dataclass(slots=True)
class Vendor:
    """A model's vendor that keeps who is asked about, and may keep its answers to itself."""

    address: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    at_once: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        """Say that all is well, when answers are given."""
        found = re.search(r"shelf-[0-9]", await request.text())
        assert found is not None, "the endpoint's own name comes first"
        name = found[0]
        self.asked[name] += 1
        await self._note(name, 1)
        try:
            await self.answers.wait()
        finally:
            await asyncio.shield(self._note(name, -1))
        return web.json_response(ALL_IS_WELL)

    async def has_under_way(self, count: int) -> set[str]:
        """Wait until so many asks are under way, and return about whom they are."""
        async with asyncio.timeout(WITHIN), self._news:
            await self._news.wait_for(lambda: self.under_way.total() == count)
        return set(+self.under_way)

    async def _note(self, name: str, more: int) -> None:
        async with self._news:
            self.under_way[name] += more
            self.at_once[name] = max(self.at_once[name], self.under_way[name])
            self._news.notify_all()


TOKENS = {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730}
SUBMITTED = {"name": "submit_analysis", "arguments": json.dumps({"reasoning": "all is well"})}
ALL_IS_WELL = {
    "id": "chat-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "model-1",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call-1", "type": "function", "function": SUBMITTED}],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": TOKENS,
}


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """Give a vendor on a free port of this machine that keeps its answers to itself."""
    vendor = Vendor()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", vendor.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vendor.address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield vendor
    vendor.answers.set()
    await runner.cleanup()


async def test_what_a_killed_planner_looked_at_is_taken_over(
    tmp_path: Path, vendor: Vendor, postgres: str
) -> None:
    """
    Nobody looks at its endpoints before its lease is over, then another one does, and once.

    Trap T34: two replicas never look at one endpoint at once; nothing is charged twice. What the
    killed one has asked is charged at what it had reserved, once that lapses.
    """
    names = [f"shelf-{number}" for number in range(4)]
    endpoints = [
        f"      - {{name: {name}, url: 'http://127.0.0.1:9/', every: 30d, ai_mode: suggest}}"
        for name in names
    ]
    path = tmp_path / "jobs.yaml"
    path.write_text("\n".join(["jobs:", "  - name: shop", "    endpoints:", *endpoints, ""]))
    model = {
        "CRONICORN_AI_MODEL": "model-1",
        "CRONICORN_AI_BASE_URL": vendor.address,
        "CRONICORN_AI_SESSIONS": "2",
    }
    options = ("--database", postgres, "--jobs", str(path), "--egress-allow", "127.0.0.1")
    async with (
        a_worker(tmp_path, *options, **model) as killed,
        a_worker(tmp_path, *options, **model) as other,
    ):
        assert await vendor.has_under_way(4) == set(names)
        killed.signal(signal.SIGKILL)
        left = set(names) - await vendor.has_under_way(2)
        vendor.answers.set()
        await other.told("session_ended", times=2)
        assert {name for name, times in vendor.asked.items() if times > 1} == set()
        with psycopg.connect(postgres) as connection:  # four minutes pass
            connection.execute(
                "UPDATE analyses SET leased_until = taken_at WHERE lease IS NOT NULL"
            )
            lapsed = connection.execute(
                "UPDATE quota_holds SET expires_at = expires_at - interval '1 hour'"
                " RETURNING amount"
            ).fetchall()
        await other.told("session_ended", times=4)
        other.signal(signal.SIGTERM)
        code = await other.exit_code()
    with psycopg.connect(postgres) as connection:
        charged = connection.execute("SELECT amount FROM usage_entries").fetchall()
        kept = connection.execute(
            "SELECT e.name, s.ending, s.tokens_in + s.tokens_out FROM sessions s"
            " JOIN endpoints e ON e.id = s.endpoint_id ORDER BY e.name"
        ).fetchall()

    assert {name for name, times in vendor.asked.items() if times == 2} == left
    assert max(vendor.at_once.values()) == 1
    assert kept == [(name, "done", TOKENS["total_tokens"]) for name in names]
    assert len(lapsed) == 2
    assert sorted(charged) == sorted([(TOKENS["total_tokens"],)] * len(names) + lapsed)
    assert (code, other.errors) == (0, "")
