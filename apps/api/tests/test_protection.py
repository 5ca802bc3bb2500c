"""The server waits for nobody for ever, believes nobody by default, and ends in good order."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cronicorn_api import patience
from cronicorn_api.settings import UsageFault, read_settings
from cronicorn_api.wire import body_limit
from cronicorn_api.wire.head_limit import HEAD_MOST
from cronicorn_domain.model.rate import Rate

SOON = 0.2
PATIENCE = 60


@contextmanager
def connected(service) -> Iterator[socket.socket]:
    """Connect to a server, and say nothing."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as line:
        yield line


def read_to_the_end(line: socket.socket) -> str:
    """Read until the other side closes."""
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts).decode()


def test_who_says_nothing_is_let_go(service, monkeypatch) -> None:
    """Before the first request, in the midst of its head, and in that of a second one."""
    monkeypatch.setattr(patience, "HEAD_WITHIN", SOON)
    head = b"GET /api/health/live HTTP/1.1\r\nHost: x\r\n"

    with connected(service) as silent, connected(service) as slow, connected(service) as second:
        slow.sendall(head)
        second.sendall(head + b"\r\n" + head)

        assert read_to_the_end(silent) == ""
        assert read_to_the_end(slow) == ""
        assert read_to_the_end(second).startswith("HTTP/1.1 200 OK")


def test_a_request_is_not_cut_short_by_it(service, monkeypatch) -> None:
    """One that has begun is answered, however long that takes."""
    monkeypatch.setattr(patience, "HEAD_WITHIN", SOON)
    with connected(service) as line:
        line.sendall(b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        line.settimeout(5 * SOON)
        with pytest.raises(TimeoutError):
            line.recv(1)
        line.settimeout(PATIENCE)
        line.sendall(b"{}")

        assert line.recv(65536).startswith(b"HTTP/1.1 401")


def test_a_head_has_a_most(service) -> None:
    """Headers beyond it are refused before the application sees them."""
    with connected(service) as line:
        line.sendall(b"GET /api/health/live HTTP/1.1\r\nHost: x\r\nX-Long: ")
        line.sendall(b"x" * (2 * HEAD_MOST))

        assert read_to_the_end(line).startswith("HTTP/1.1 400")


@pytest.mark.parametrize("where", ["header", "query"])
def test_a_head_that_arrives_whole_has_a_most_too(service, where) -> None:
    """The server has read it by then, and the application refuses it."""
    long = b"x" * HEAD_MOST
    target, more = (long, b"") if where == "query" else (b"", b"X-Long: " + long + b"\r\n")
    with connected(service) as line:
        line.sendall(
            b"GET /api/jobs?a="
            + target
            + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            + more
            + b"\r\n"
        )
        answer = read_to_the_end(line)

    assert answer.startswith(("HTTP/1.1 431", "HTTP/1.1 400"))  # 400 where it came in parts


def test_a_body_has_to_arrive(client, service, monkeypatch) -> None:
    """One that drips is refused in words."""
    monkeypatch.setattr(body_limit, "BODY_WITHIN", SOON)
    key = client.headers["x-api-key"]
    with connected(service) as line:
        line.sendall(
            b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\n" + f"X-Api-Key: {key}\r\nContent-Length: 20\r\n\r\n{{".encode()
        )
        head, _, body = read_to_the_end(line).partition("\r\n\r\n")

    assert head.startswith("HTTP/1.1 408")
    assert json.loads(body)["code"] == "too_slow"


def test_forwarded_headers_are_believed_of_a_trusted_proxy_alone(serve) -> None:
    """From it each address has its own rate; from anybody else they say nothing."""
    rate = Rate(count=1, per=timedelta(hours=1))
    believing = serve(per_address=rate, trusted=["127.0.0.7/32"])
    key = believing.key(believing.a_tenant())

    def asked(address: str, told: str) -> int:
        with believing.client(key, address=address) as client:
            status: int = client.get("/jobs", headers={"X-Forwarded-For": told}).status_code
        return status

    from_proxy = [asked("127.0.0.7", told) for told in ("198.51.100.1", "198.51.100.2")]
    from_others = [asked("127.0.0.6", told) for told in ("198.51.100.3", "198.51.100.4")]

    assert from_proxy == [200, 200]
    assert asked("127.0.0.7", "198.51.100.1") == 429
    assert from_others == [200, 429]


def test_a_proxy_is_an_address_or_a_network(bare: Path, monkeypatch) -> None:
    """What is neither is said."""
    monkeypatch.setenv("CRONICORN_TRUSTED_PROXIES", "10.0.0.1, 192.0.2.0/24 ::1")
    assert read_settings({}).trusted_entries == ("10.0.0.1", "192.0.2.0/24", "::1")

    monkeypatch.setenv("CRONICORN_TRUSTED_PROXIES", "*")
    with pytest.raises(UsageFault, match="CRONICORN_TRUSTED_PROXIES"):
        read_settings({})


class Target:
    """A target that answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()
        target = self

        class Handler(BaseHTTPRequestHandler):
            """Answers with nothing."""

            def do_GET(self) -> None:
                """Wait, and answer."""
                target.asked.set()
                target.may_answer.wait(PATIENCE)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self.may_answer.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def target() -> Iterator[Target]:
    """Give a target."""
    target = Target()
    yield target
    target.close()


def test_a_request_under_way_is_finished(serve, target) -> None:
    """A server that is asked to stop takes no more, and answers what it has taken."""
    service = serve(allowed=[target.address])
    with service.client() as client:
        endpoint = client.an_endpoint(url=f"http://{target.address}/")
        answers: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(client.post(f"/endpoints/{endpoint['id']}/test"))
        )
        asking.start()
        assert target.asked.wait(PATIENCE)
        service.ask_to_stop()
        with pytest.raises(httpx.ConnectError):
            until_it_listens_no_more(service)
        target.may_answer.set()
        asking.join(PATIENCE)
        service.stop()

    assert [(each.status_code, each.json()["status"]) for each in answers] == [(200, "success")]


def until_it_listens_no_more(service) -> None:
    """Ask again and again, until nobody is there."""
    for _ in range(1000):
        httpx.get(f"{service.url}/health/live", trust_env=False, timeout=PATIENCE)
    pytest.fail("it goes on listening")
