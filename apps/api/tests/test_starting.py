"""The command: it serves until it is asked to stop, and says what is wrong before it serves."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import httpx
import pytest
from cronicorn_api.composition import open_tracing
from cronicorn_api.serving import in_addresses
from cronicorn_api.settings import UsageFault, read_settings
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.breaker import DEFAULT_BREAKER
from cronicorn_domain.model.quota import Meter

KEY = "bootstrap-0123456789abcdef"
PATIENCE = 60
MODEL_KEY = "sk-very-secret-1"
TIGHTER = {"interval_ms": 60_000, "reason": "stock runs out"}


@contextmanager
def started(folder: Path, *options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command in a folder, with nothing set but what is given; a test ends it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRONICORN_")}
    kept.pop("DATABASE_URL", None)
    with subprocess.Popen(
        [sys.executable, "-m", "cronicorn_api", *options],
        cwd=folder,
        env=kept | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as api:
        try:
            yield api
        finally:
            api.kill()


def serving(api: subprocess.Popen[str]) -> tuple[list[str], int]:
    """Wait until it serves, and give the lines up to there and the port."""
    assert api.stdout is not None
    lines: list[str] = []
    while '"serving"' not in "".join(lines[-1:]):
        lines.append(api.stdout.readline())
        assert lines[-1], "it ended before it served"
    return lines, json.loads(lines[-1])["port"]


def test_it_serves_until_it_is_asked_to_stop(tmp_path: Path) -> None:
    """With nothing but a key set it makes its database; it ends well, and logs no secret: T39."""
    with started(tmp_path, "--port", "0", CRONICORN_BOOTSTRAP_API_KEY=KEY) as api:
        lines, port = serving(api)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            answer = client.get("/api/jobs", headers={"x-api-key": KEY}, timeout=PATIENCE)
        api.send_signal(signal.SIGTERM)
        output, errors = api.communicate(timeout=PATIENCE)

    assert (answer.status_code, answer.json()) == (200, {"jobs": []})
    assert api.returncode == 0
    assert re.fullmatch(
        rf"cronicorn-api: nobody can sign in yet\..*:\nhttp://127\.0\.0\.1:{port}/setup\?token=su_\S+\n",
        errors,
    )
    assert '"path": "/api/jobs"' in output
    assert KEY not in "".join(lines) + output
    assert (tmp_path / "cronicorn.db").exists()


def test_the_first_start_makes_the_owner(tmp_path: Path) -> None:
    """As the environment names them; a later start changes nothing, and prints no link."""
    password = "correct horse battery staple"
    answers = []
    for given in (password, "another horse, another staple"):
        variables = {"CRONICORN_ADMIN_EMAIL": "ada@example.org", "CRONICORN_ADMIN_PASSWORD": given}
        with started(tmp_path, "--port", "0", **variables) as api:
            lines, port = serving(api)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api") as client:
                body = {"email": "ada@example.org", "password": password}
                answers.append(client.post("/auth/sign-in/email", json=body, timeout=PATIENCE))
            api.send_signal(signal.SIGTERM)
            output, errors = api.communicate(timeout=PATIENCE)
        assert (api.returncode, errors) == (0, "")
        assert given not in "".join(lines) + output

    assert [each.status_code for each in answers] == [200, 200]


def test_one_process_serves_and_works(tmp_path: Path) -> None:
    """What is created over the API runs, and both end well when they are asked to."""
    options = ("--port", "0", "--with-worker")
    with (
        socket.create_server(("127.0.0.1", 0)) as target,
        started(
            tmp_path,
            *options,
            CRONICORN_BOOTSTRAP_API_KEY=KEY,
            CRONICORN_EGRESS_ALLOW="127.0.0.0/8",
        ) as api,
    ):
        lines, port = serving(api)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api", headers={"x-api-key": KEY}, timeout=PATIENCE
        ) as client:
            job = client.post("/jobs", json={"name": "shop"}).json()
            url = f"http://127.0.0.1:{target.getsockname()[1]}/"
            given = {"name": "a", "url": url, "baselineIntervalMs": 1000}
            endpoint = client.post(f"/jobs/{job['id']}/endpoints", json=given).json()
            target.settimeout(PATIENCE)
            with target.accept()[0] as line:
                asked = line.recv(65536).decode()
                line.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        api.send_signal(signal.SIGTERM)
        output, _ = api.communicate(timeout=PATIENCE)

    assert f"idempotency-key: {endpoint['id']}" in asked.lower()
    assert api.returncode == 0
    assert "scheduler_stopped" in output
    assert "".join([*lines, output]).count("planner_off") == 1


def test_what_is_wrong_is_said_before_it_serves(tmp_path: Path) -> None:
    """In a sentence on standard error, with 2, and without what could be a secret."""
    with started(tmp_path, CRONICORN_BOOTSTRAP_API_KEY="short") as api:
        output, errors = api.communicate(timeout=PATIENCE)

    assert api.returncode == 2
    assert "API key" in errors
    assert "Traceback" not in errors
    assert "short" not in output + errors


async def test_traces_need_what_may_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for them is told what to install, and who does not is not."""
    monkeypatch.setitem(sys.modules, "cronicorn_adapter_otel", None)

    async with open_tracing(wanted=False) as tracing:
        assert tracing is None
    with pytest.raises(UsageFault, match=r"install cronicorn-api\[traces\]"):
        async with open_tracing(wanted=True):
            pass


def test_quotas_are_written_as_for_workers(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for all, or a tenant's own; what is none is told with what to write, and no password."""
    monkeypatch.setenv("CRONICORN_RUN_QUOTA", f"5000, {DEFAULT_TENANT}=7")
    monkeypatch.setenv("CRONICORN_QUOTA_REDIS", "redis://:hunter2@localhost/0")
    settings = read_settings({})
    assert settings.quotas.of(DEFAULT_TENANT, Meter.RUNS).limit == 7
    assert settings.quotas.of(TenantId(new_uuid()), Meter.RUNS).limit == 5000
    assert "hunter2" not in repr(settings)

    monkeypatch.setenv("CRONICORN_RUN_QUOTA", "plenty")
    with pytest.raises(UsageFault, match="CRONICORN_RUN_QUOTA: 'plenty' is no quota: write N"):
        read_settings({})


def test_caps_are_as_workers_have_them(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same variables, since each claim goes by its own caps; what is none is told."""
    assert not read_settings({}).caps.are_set
    assert read_settings({}).breaker == DEFAULT_BREAKER
    monkeypatch.setenv("CRONICORN_HOST_CAP", "10 shop.example=2")
    monkeypatch.setenv("CRONICORN_TENANT_CAP", f"{DEFAULT_TENANT}=7")
    monkeypatch.setenv("CRONICORN_BREAKER", "off")
    settings = read_settings({})
    assert (settings.caps.of_host("shop.example"), settings.caps.of_host("x.example")) == (2, 10)
    assert settings.caps.of_tenant(DEFAULT_TENANT) == 7
    assert settings.breaker is None

    monkeypatch.setenv("CRONICORN_TENANT_CAP", "me=3")
    with pytest.raises(UsageFault, match="CRONICORN_TENANT_CAP: 'me' is no tenant"):
        read_settings({})


def test_history_is_kept_as_workers_keep_it(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same variables, as each prunes what all have run; what is none is told."""
    assert read_settings({}).retention == timedelta(days=30)
    monkeypatch.setenv("CRONICORN_RETENTION", "off")
    monkeypatch.setenv("CRONICORN_KEEP_RUNS", "1000")
    assert (read_settings({}).retention, read_settings({}).keep_runs) == (None, 1000)

    monkeypatch.setenv("CRONICORN_RETENTION", "30")
    with pytest.raises(UsageFault, match="CRONICORN_RETENTION: '30' is not possible: give a"):
        read_settings({})


def test_options_come_from_the_environment(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as not set, and the command line wins; trap T39."""
    monkeypatch.setenv("CRONICORN_PORT", "4000")
    monkeypatch.setenv("CRONICORN_HOST", "")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")
    monkeypatch.setenv("CRONICORN_EGRESS_ALLOW", "10.0.0.0/8, shop.internal")

    settings = read_settings({})

    assert (settings.host, settings.port) == ("127.0.0.1", 4000)
    assert settings.database_url == "sqlite:///other.db"
    assert settings.egress_entries == ("10.0.0.0/8", "shop.internal")
    assert read_settings({"port": "5000"}).port == 5000
    assert "other.db" not in repr(settings)
    for wrong in ("-1", "x"):
        with pytest.raises(UsageFault, match="--port"):
            read_settings({"port": wrong})


def test_origins_are_read_as_browsers_write_them(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In small letters, without a usual port and a slash; what is no origin is refused."""
    monkeypatch.setenv("CRONICORN_PUBLIC_URL", "https://Cronicorn.example:443/")
    monkeypatch.setenv("CRONICORN_CORS_ORIGINS", "http://ops.example:8080, https://[::1]")

    site = read_settings({}).site

    assert site.public_url == "https://cronicorn.example"
    assert site.friends == {"http://ops.example:8080", "https://[::1]"}
    for name in ("CRONICORN_PUBLIC_URL", "CRONICORN_CORS_ORIGINS"):
        for wrong in ("*", "ops.example", "https://ops.example/path", "https://a@ops.example"):
            with monkeypatch.context() as changed:
                changed.setenv(name, wrong)
                with pytest.raises(UsageFault, match=name):
                    read_settings({})


def test_an_owner_is_an_address_and_a_password(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without the other is told; neither is repeated."""
    monkeypatch.setenv("CRONICORN_ADMIN_PASSWORD", "correct horse battery staple")

    with pytest.raises(UsageFault, match="CRONICORN_ADMIN_EMAIL") as refusal:
        read_settings({})

    assert "horse" not in str(refusal.value)
    monkeypatch.setenv("CRONICORN_ADMIN_EMAIL", "ada@example.org")
    assert read_settings({}).owner == ("ada@example.org", "correct horse battery staple")
    assert "horse" not in repr(read_settings({}))


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """It says so before it makes a database, and what to do; nothing claims that it serves."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path, "--port", str(port)) as api:
            output, errors = api.communicate(timeout=PATIENCE)

    assert api.returncode == 1
    assert errors.startswith(f"cronicorn-api: cannot listen on 127.0.0.1:{port}: ")
    assert "choose another --host or --port" in errors
    assert "serving" not in output
    assert not (tmp_path / "cronicorn.db").exists()


class Vendor(ThreadingHTTPServer):
    """A model that proposes a minute in its first answer, and is done with the second."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Speaking)
        self.asked: Queue[str] = Queue()


class Speaking(BaseHTTPRequestHandler):
    """Speaks as OpenAI does; a target, asked by GET, has stock."""

    server: Vendor

    def do_GET(self) -> None:
        """Answer as a target."""
        self._answer({"stock": 3})

    def do_POST(self) -> None:
        """Answer as a model."""
        asked = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.asked.put(asked)
        name, given = (
            ("submit_analysis", {"reasoning": "watch it"})
            if "stock runs out" in asked
            else ("propose_interval", TIGHTER)
        )
        function = {"name": name, "arguments": json.dumps(given)}
        call = {"id": f"call_{name}", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        self._answer(
            {
                "id": "chat-1",
                "object": "chat.completion",
                "created": 1_700_000_000,
                "model": "model-1",
                "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
                "usage": {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730},
            }
        )

    def _answer(self, value: object) -> None:
        told = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """Serve until the test is over."""
    with Vendor() as vendor:
        thread = threading.Thread(target=vendor.serve_forever)
        thread.start()
        yield vendor
        vendor.shutdown()
        thread.join()


def line_of(api: subprocess.Popen[str], name: str) -> tuple[dict[str, object], str]:
    """Wait for a line of the log, and give it with all up to there."""
    assert api.stdout is not None
    seen: list[str] = []
    while f'"{name}"' not in "".join(seen[-1:]):
        seen.append(api.stdout.readline())
        assert seen[-1], f"it ended before {name}: {seen}"
    return json.loads(seen[-1]), "".join(seen)


def test_one_process_serves_works_and_plans(tmp_path: Path, vendor: Vendor) -> None:
    """What a model proposes is granted and told; no key is in the log: traps T33, T43."""
    address = f"http://127.0.0.1:{vendor.server_port}"
    variables = {
        "CRONICORN_BOOTSTRAP_API_KEY": KEY,
        "CRONICORN_EGRESS_ALLOW": "127.0.0.0/8",
        "CRONICORN_AI_MODEL": "model-1",
        "CRONICORN_AI_BASE_URL": f"{address}/v1",
        "CRONICORN_AI_API_KEY": MODEL_KEY,
        "CRONICORN_AI_PRICE": "0.25/2",
    }
    with started(tmp_path, "--port", "0", "--with-worker", **variables) as api:
        lines, port = serving(api)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api", headers={"x-api-key": KEY}, timeout=PATIENCE
        ) as client:
            job = client.post("/jobs", json={"name": "shop"}).json()
            given = {
                "name": "stock",
                "url": address,
                "baselineIntervalMs": 3_600_000,
                "aiMode": "auto",
            }
            endpoint = client.post(f"/jobs/{job['id']}/endpoints", json=given).json()
            ended, between = line_of(api, "session_ended")
            (session,) = client.get(f"/endpoints/{endpoint['id']}/sessions").json()["sessions"]
            explained = client.get(f"/endpoints/{endpoint['id']}/explain").json()
            metrics = client.get("/metrics").text
        api.send_signal(signal.SIGTERM)
        output, errors = api.communicate(timeout=PATIENCE)

    assert (ended["endpoint"], ended["ending"], ended["granted"]) == ("stock", "done", 1)
    assert (session["ending"], session["tokensIn"], session["tokensOut"]) == ("done", 1400, 60)
    assert "ai-interval" in json.dumps(explained)
    assert 'cronicorn_ai_sessions_total{ending="done"} 1.0' in metrics
    assert 'cronicorn_ai_tokens_total{direction="out"} 60.0' in metrics
    assert "".join(lines).count('"planner_on"') == 1
    assert MODEL_KEY not in "".join(lines) + between + output + errors + metrics
    assert api.returncode == 0


def test_a_model_is_named_as_for_workers(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same variables; half of one is refused with what to write, and shows no key."""
    for name, value in {
        "MODEL": "qwen3",
        "VENDOR": "anthropic",
        "API_KEY": MODEL_KEY,
        "PRICE": "0.25/2",
        "SESSION_COST": "0.05",
        "SESSIONS": "2",
    }.items():
        monkeypatch.setenv(f"CRONICORN_AI_{name}", value)
    monkeypatch.setenv("CRONICORN_TOKEN_QUOTA", "9000")
    settings = read_settings({})
    chosen = settings.chosen_model
    assert chosen is not None
    planner = chosen.planner
    assert (planner.model, planner.concurrency, planner.bounds.cost) == ("qwen3", 2, 50_000)
    assert settings.quotas.of(DEFAULT_TENANT, Meter.TOKENS).limit == 9000
    assert MODEL_KEY not in repr((settings, chosen))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"MODEL": "two words"}, "CRONICORN_AI_MODEL: 'two words' is no name of a model"),
        ({"MODEL": "m", "API_KEY": ""}, "CRONICORN_AI_MODEL needs a key, or an address"),
        ({"MODEL": "m", "PRICE": "cheap"}, "CRONICORN_AI_PRICE: 'cheap' is no price: Write"),
        ({"MODEL": "m", "SESSION_COST": "1"}, "CRONICORN_AI_SESSION_COST needs prices: Set"),
        ({"MODEL": "m", "BASE_URL": "localhost:1"}, "CRONICORN_AI_BASE_URL: this is no address"),
        ({"MODEL": "m", "VENDOR": "openia"}, "CRONICORN_AI_VENDOR: .*'openai' or 'anthropic'"),
    ],
)
def test_half_a_model_is_refused(
    bare: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: str
) -> None:
    """With the place, and what to do."""
    for name, value in {"API_KEY": "k", **given}.items():
        monkeypatch.setenv(f"CRONICORN_AI_{name}", value)

    with pytest.raises(UsageFault, match=told):
        read_settings({})


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("127.0.0.2", "127.0.0.2"),
        ("cronicorn.example", "cronicorn.example"),
    ],
)
def test_a_link_can_be_opened(host: str, told: str) -> None:
    """Also where all addresses are listened to, of which none is one to go to."""
    assert in_addresses(host) == told
