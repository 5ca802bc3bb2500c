"""Real processes that start while PostgreSQL is not there, or will never be."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import python
from tools.soak.applications import WITHIN, process, status_of
from tools.soak.server import Server, server

pytestmark = pytest.mark.timeout(400)

JOBS = """\
jobs:
  - name: shop
    endpoints: [{name: health, url: 'http://127.0.0.1:1/', every: 1s}]
"""


@pytest.fixture(scope="module")
def faulty_server() -> Iterator[Server]:
    """Give a server that is nobody else's: it will be stopped."""
    with server() as running:
        yield running


def test_processes_that_start_before_postgresql_wait_for_it(
    faulty_server: Server, tmp_path: Path
) -> None:
    """
    Trap T31: both say why they wait, live, are not ready, and go on when the server is there.

    Nobody starts them again: each is the same process before and after.
    """
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text(JOBS, "utf-8")
    with faulty_server.database() as url:
        faulty_server.stop(signal.SIGINT)
        options = ("--database", url)
        with (
            process(
                tmp_path,
                "cronicorn_worker",
                *options,
                *("--jobs", str(jobs), "--egress-allow", "127.0.0.1"),
                *("--metrics-port", "0", "--log-format", "json"),
            ) as worker,
            process(tmp_path, "cronicorn_api", *options, "--port", "0") as api,
        ):
            try:
                served = json.loads(worker.wait_for("metrics_served", within=WITHIN))["address"]
                said = [each.wait_for("store_unavailable", within=WITHIN) for each in (worker, api)]
                waiting = (status_of(f"{served}/healthz"), status_of(f"{served}/readyz"))
            finally:
                faulty_server.start()
            worker.wait_for("store_recovered", within=WITHIN)
            worker.wait_for("run_failed", within=WITHIN)
            port = json.loads(api.wait_for('"serving"', within=WITHIN))["port"]

            assert all("refused" in json.loads(line)["error"] for line in said)
            assert waiting == (200, 503)
            assert status_of(f"{served}/readyz") == 200
            assert status_of(f"http://127.0.0.1:{port}/health/ready") == 200
            worker.check()
            api.check()


@pytest.mark.parametrize("module", ["cronicorn_worker", "cronicorn_api"])
def test_a_database_that_waiting_does_not_bring_ends_the_start(
    faulty_server: Server, tmp_path: Path, module: str
) -> None:
    """Trap T31: the server answers that there is none, so it says what to do, and exits with 1."""
    url = f"{faulty_server.url.rpartition('/')[0]}/nowhere"

    done = subprocess.run(
        python(module, "--database", url),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )

    assert done.returncode == 1
    assert 'database "nowhere" does not exist; make it with `createdb NAME`' in done.stderr


def test_who_waits_can_be_stopped(faulty_server: Server, tmp_path: Path) -> None:
    """SIGTERM ends the waiting at once, and well: there was nothing to drain."""
    with faulty_server.database() as url:
        faulty_server.stop(signal.SIGINT)
        try:
            options = ("--database", url)
            with (
                process(tmp_path, "cronicorn_worker", *options, "--log-format", "json") as worker,
                process(tmp_path, "cronicorn_api", *options, "--port", "0") as api,
            ):
                for each in (worker, api):
                    each.wait_for("store_unavailable", within=WITHIN)
                    each.process.terminate()
                codes = [each.process.wait(WITHIN) for each in (worker, api)]
        finally:
            faulty_server.start()

    assert codes == [0, 0]
