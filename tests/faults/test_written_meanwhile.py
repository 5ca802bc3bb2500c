"""Trap T08 with real processes: what is written while a run is under way survives its settle."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.soak.applications import WITHIN, process
from tools.soak.server import Server, server

pytestmark = pytest.mark.timeout(400)

KEY = "bootstrap-0123456789abcdef"
HOUR_MS = 3_600_000


class Target:
    """Holds calls until they are let go; those of `/reset` fail, the first of them at once."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._news = threading.Condition()
        self._going = threading.Event()
        self._over = threading.Event()
        self.url = ""

    def take(self, path: str) -> int:
        """Note a call, hold it, and give the status of its answer."""
        with self._news:
            self.calls[path] += 1
            late, first = self._going.is_set(), self.calls[path] == 1
            self._news.notify_all()
        if path != "/reset" or not first:
            (self._over if late else self._going).wait(WITHIN)
        return 500 if path == "/reset" else 200

    def wait_for(self, calls: Counter[str]) -> None:
        """Wait until so many have come."""
        with self._news:
            assert self._news.wait_for(lambda: self.calls >= calls, WITHIN)

    def let_go(self) -> None:
        """Answer the calls that are there; those that come from now on wait for the end."""
        self._going.set()

    @contextmanager
    def serving(self) -> Iterator["Target"]:
        """Serve until the end of the block."""
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(take(self.path))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            try:
                yield self
            finally:
                self._going.set()
                self._over.set()
                server.shutdown()


@pytest.fixture(scope="module")
def faulty_server() -> Iterator[Server]:
    """Give a server that is nobody else's: it will be stopped."""
    with server() as running:
        yield running


def created(client: httpx.Client, job: str, target: Target, name: str) -> str:
    """Create an endpoint that is due each second, and give where it is found."""
    given = {"name": name, "url": f"{target.url}/{name}", "baselineIntervalMs": 1000}
    made = client.post(f"/jobs/{job}/endpoints", json={**given, "timeoutMs": 120_000})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def is_far(endpoint: dict[str, Any]) -> bool:
    """Say whether the next run is an hour away, and not a second."""
    at = datetime.fromisoformat(endpoint["nextRunAt"])
    return at - datetime.fromisoformat(endpoint["lastRunAt"]) > timedelta(minutes=30)


def test_what_is_written_during_a_run_survives_its_settle(
    faulty_server: Server, tmp_path: Path
) -> None:
    """A hint, a pause, an edit and a reset, by an API in another process than the worker's."""
    with faulty_server.database() as url, Target().serving() as target:
        options = ("--database", url)
        allowed = {"CRONICORN_EGRESS_ALLOW": "127.0.0.0/8", "CRONICORN_BOOTSTRAP_API_KEY": KEY}
        with (
            process(tmp_path, "cronicorn_api", *options, "--port", "0", **allowed) as api,
            process(
                tmp_path, "cronicorn_worker", *options, "--log-format", "json", **allowed
            ) as worker,
        ):
            port = json.loads(api.wait_for('"serving"', within=WITHIN))["port"]
            base, headers = f"http://127.0.0.1:{port}/api", {"x-api-key": KEY}
            with httpx.Client(base_url=base, headers=headers, timeout=WITHIN) as client:
                job = client.post("/jobs", json={"name": "shop"}).json()["id"]
                names = ("hint", "pause", "edit", "reset")
                ids = {name: created(client, job, target, name) for name in names}
                target.wait_for(Counter({"/hint": 1, "/pause": 1, "/edit": 1, "/reset": 2}))

                done = [
                    client.post(
                        f"/endpoints/{ids['hint']}/hints/interval",
                        json={"intervalMs": HOUR_MS, "ttlMinutes": 600},
                    ),
                    client.post(f"/endpoints/{ids['pause']}/pause", json={}),
                    client.patch(
                        f"/jobs/{job}/endpoints/{ids['edit']}",
                        json={"baselineIntervalMs": HOUR_MS},
                    ),
                    client.post(f"/endpoints/{ids['reset']}/reset-failures"),
                ]
                target.let_go()
                worker.wait_for("run_succeeded", within=WITHIN, times=3)
                worker.wait_for("run_failed", within=WITHIN, times=2)
                shown = {
                    name: client.get(f"/jobs/{job}/endpoints/{each}").json()
                    for name, each in ids.items()
                }

    assert [answer.status_code for answer in done] == [204, 204, 200, 204]
    assert len(shown["hint"]["hints"]) == 1
    assert is_far(shown["hint"])
    assert shown["pause"]["pausedUntil"].startswith("9999")
    assert shown["edit"]["baselineIntervalMs"] == HOUR_MS
    assert is_far(shown["edit"])
    assert shown["reset"]["failureCount"] == 1
    assert (target.calls["/pause"], target.calls["/hint"], target.calls["/edit"]) == (1, 1, 1)
