"""The service as it is in production, with a worker in it, and a target that it calls."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from playwright.sync_api import Page

OWNER = ("ada@example.org", "correct horse battery staple")
KEY = "cr_test_0123456789abcdef0123456789abcdef"
SECRET_KEY = "S1iA0CVlGOv0tAt2cE2ThnK0Y4iF2UJcXWMrVvQZt0E="
PATIENCE = 60.0


@dataclass
class Target:
    """A server that answers each path as it is told to, and 200 ``{}`` otherwise."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    port: int = 0
    held: dict[str, threading.Event] = field(default_factory=dict)

    @contextmanager
    def holding(self, path: str) -> Iterator[None]:
        """Answer a path only at the end of the block."""
        self.held[path] = threading.Event()
        try:
            yield
        finally:
            self.held.pop(path).set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, status: int, body: str = "{}") -> None:
        """Answer a path so from now on."""
        self.answers[path] = (status, body)


@contextmanager
def a_target() -> Iterator[Target]:
    """Give a target."""
    target = Target()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if (held := target.held.get(path)) is not None:
                held.wait(PATIENCE)
            status, body = target.answers.get(path, (200, "{}"))
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *told: object) -> None:
            del told

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    target.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield target
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Served:
    """The service: pages at its root, and a client of its API."""

    url: str
    client: httpx.Client
    target: Target
    process: int

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Have the service stand still, with all connections open, until the end of the block."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)

    def a_job(self, name: str = "shop", **members: object) -> dict:
        """Create a job."""
        return self._made("/jobs", {"name": name, **members})

    def an_endpoint(self, job: dict, name: str = "health", **members: object) -> dict:
        """Create an endpoint that asks the target every minute, unless it is said otherwise."""
        given = {"name": name, "url": f"{self.target.url}/{name}", **members}
        if not given.keys() & {"baselineCron", "runAt", "baselineIntervalMs"}:
            given["baselineIntervalMs"] = 60_000
        return self._made(f"/jobs/{job['id']}/endpoints", given)

    def post(self, path: str, given: object = None) -> httpx.Response:
        """Post to the API, which is to do it."""
        answer = self.client.post(path, json=given)
        assert answer.is_success, answer.text
        return answer

    def get(self, path: str, **query: object) -> dict:
        """Read from the API."""
        answer = self.client.get(path, params={name: str(each) for name, each in query.items()})
        assert answer.is_success, answer.text
        read: dict = answer.json()
        return read

    def _made(self, path: str, given: dict) -> dict:
        made: dict = self.post(path, given).json()
        return made


@contextmanager
def a_service(folder: Path, *options: str, founded: bool = True) -> Iterator[tuple[str, int]]:
    """Start the service over a database of its own; give its address, and its process."""
    environment = {
        **{name: value for name, value in os.environ.items() if "CRONICORN" not in name},
        "CRONICORN_SECRET_KEY": SECRET_KEY,
        "CRONICORN_EGRESS_ALLOW": "127.0.0.1",
        "CRONICORN_ADDRESS_SIGN_INS_A_MINUTE": "1000000",
    }
    if founded:
        environment |= {
            "CRONICORN_BOOTSTRAP_API_KEY": KEY,
            "CRONICORN_ADMIN_EMAIL": OWNER[0],
            "CRONICORN_ADMIN_PASSWORD": OWNER[1],
        }
    log = folder / "service.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cronicorn_api", "--port", "0"),
                *("--database", f"sqlite:///{folder / 'cronicorn.db'}", *options),
            ],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    assert process.stdout is not None
    copying = None
    try:
        for line in process.stdout:
            if '"serving"' in line:
                said = json.loads(line)
                copying = threading.Thread(target=_copy, args=(process.stdout, log))
                copying.start()
                yield f"http://127.0.0.1:{said['port']}", process.pid
                break
        else:
            raise AssertionError(f"the service did not start:\n{log.read_text()}")
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if copying is not None:
            copying.join(PATIENCE)
        process.stdout.close()


def _copy(lines: Iterator[str], log: Path) -> None:
    """Read on, so that the service never waits for whoever reads its log."""
    with log.open("a") as output:
        for line in lines:
            output.write(line)


def sign_in(page: Page) -> None:
    """Sign the owner in, by the page."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(OWNER[0])
    page.get_by_label("Password").fill(OWNER[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


@contextmanager
def a_served(folder: Path, target: Target, *options: str) -> Iterator[Served]:
    """Give the service over the database of a folder, and a client of its API."""
    with (
        a_service(folder, *options) as (url, process),
        httpx.Client(
            base_url=f"{url}/api",
            headers={"x-api-key": KEY},
            timeout=PATIENCE,
            transport=httpx.HTTPTransport(verify=False),
        ) as client,
    ):
        yield Served(url, client, target, process)


@contextmanager
def a_site(folder: Path, *options: str) -> Iterator[Served]:
    """Give the service with its worker, and its target."""
    with a_target() as target, a_served(folder, target, "--with-worker", *options) as site:
        yield site
