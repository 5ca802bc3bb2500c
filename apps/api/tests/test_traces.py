"""From a call to the request that comes of it: one trace, sent to a real receiver."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KEY = "bootstrap-0123456789abcdef"
ASKED = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PATIENCE = 60


class Both(BaseHTTPRequestHandler):
    """A receiver of traces, and a target that tells in which trace it was asked."""

    told: list
    sent: list

    def do_POST(self) -> None:
        """Take a batch."""
        body = self.rfile.read(int(self.headers["content-length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.told += [span for scope in resource.scope_spans for span in scope.spans]
        self._answer()

    def do_GET(self) -> None:
        """Note in which trace it is."""
        self.sent.append(self.headers["traceparent"])
        self._answer()

    def _answer(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def both() -> Iterator[tuple[type[Both], str]]:
    """Give the receiver and its address."""
    handler = type("Handler", (Both,), {"told": [], "sent": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_call_and_what_comes_of_it_are_one_trace(tmp_path: Path, both) -> None:
    """Caller, API, run and target; a call of nobody's has a trace of its own, a probe has none."""
    handler, url = both
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRONICORN_")}
    kept.pop("DATABASE_URL", None)
    options = {
        "CRONICORN_BOOTSTRAP_API_KEY": KEY,
        "CRONICORN_EGRESS_ALLOW": "127.0.0.0/8",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
    }
    command = [sys.executable, "-m", "cronicorn_api", "--port", "0", "--with-worker", "--traces"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=kept | options, stdout=subprocess.PIPE, text=True
    ) as api:
        assert api.stdout is not None
        line = next(each for each in api.stdout if '"serving"' in each)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{json.loads(line)['port']}/api",
            headers={"x-api-key": KEY},
            timeout=PATIENCE,
        ) as client:
            _ask(client, url, handler)
        api.send_signal(signal.SIGTERM)
        output, _ = api.communicate(timeout=PATIENCE)

    assert api.returncode == 0
    spans = {each.span_id.hex(): each for each in handler.told}
    calls = {each.name: each for each in handler.told if each.kind == each.SPAN_KIND_SERVER}
    routes = {
        "POST /endpoints/{endpointId}/run": ASKED,
        "POST /endpoints/{endpointId}/test": None,
    }
    for sent, (name, trace) in zip(handler.sent, routes.items(), strict=True):
        _, trace_id, run, flags = sent.split("-")
        call = calls[name]
        assert flags == "01"
        assert spans[run].name == "run"
        assert spans[run].parent_span_id == call.span_id
        assert trace_id == call.trace_id.hex() == (trace or trace_id)
        assert call.parent_span_id.hex() == (SPAN if trace else "")
        below = {each.name for each in handler.told if each.parent_span_id.hex() == run}
        assert below == ({"claim", "request", "settle"} if trace else {"request"})
        assert f'"trace": "{trace_id}"' in output
    assert len({each.trace_id for each in calls.values()}) == len(calls)
    assert "POST /jobs" in calls
    assert "GET" in calls  # of a path that no route has
    assert not [name for name in calls if "health" in name or "metrics" in name]
    assert "hunter2" not in "".join(str(each) for each in handler.told)


def _ask(client: httpx.Client, url: str, handler: type[Both]) -> None:
    job = client.post("/jobs", json={"name": "shop"}).raise_for_status().json()
    given = {
        "name": "a",
        "url": f"{url}/hunter2",
        "baselineIntervalMs": 3_600_000,
        "headersJson": {"Authorization": "hunter2"},
    }
    endpoint = client.post(f"/jobs/{job['id']}/endpoints", json=given).raise_for_status().json()
    path = f"/endpoints/{endpoint['id']}"
    client.get("/health").raise_for_status()
    client.get("/metrics").raise_for_status()
    client.get("/nowhere", params={"token": "hunter2"})
    within = {"traceparent": f"00-{ASKED}-{SPAN}-01"}
    with client.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        next(each for each in lines if each == "event: ready")
        client.post(f"{path}/run", headers=within).raise_for_status()
        next(each for each in lines if each == "event: run.settled")
    client.post(f"{path}/test").raise_for_status()
    assert len(handler.sent) == 2
