"""The command: it serves until it is asked to stop, and says what is wrong before it serves."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from cronicorn_api.settings import UsageFault, read_settings
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.quota import Meter

KEY = "bootstrap-0123456789abcdef"
PATIENCE = 60


def started(folder: Path, *options: str, **variables: str) -> subprocess.Popen[str]:
    """Start the command in a folder, with nothing set but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRONICORN_")}
    kept.pop("DATABASE_URL", None)
    return subprocess.Popen(
        [sys.executable, "-m", "cronicorn_api", *options],
        cwd=folder,
        env=kept | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


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
        _, port = serving(api)
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


def test_what_is_wrong_is_said_before_it_serves(tmp_path: Path) -> None:
    """In a sentence on standard error, with 2, and without what could be a secret."""
    with started(tmp_path, CRONICORN_BOOTSTRAP_API_KEY="short") as api:
        output, errors = api.communicate(timeout=PATIENCE)

    assert api.returncode == 2
    assert "API key" in errors
    assert "Traceback" not in errors
    assert "short" not in output + errors


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
