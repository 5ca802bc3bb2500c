"""An endpoint's request is sent by way of trial, to a real target."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from cronicorn_management.masking import MASK


class Answer(BaseHTTPRequestHandler):
    """Answers with what the path says, and tells what it was asked."""

    def do_GET(self) -> None:
        """Answer with JSON."""
        told = self.headers.get("x-shop") or self.headers["traceparent"]
        body = b'{"ok": true, "secret": "%s"}' % told.encode()
        self.send_response(int(self.path.strip("/")))
        self.send_header("content-type", "application/json")
        self.send_header("Set-Cookie", "sid=top-secret; HttpOnly")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def target() -> Iterator[str]:
    """Give the address of a target."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_trial_is_in_the_trace_of_who_asks(serve, target) -> None:
    """What the target traces of it hangs below the call; what is no trace is let be."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with serve(allowed=[target]).client() as client:
        path = f"/endpoints/{client.an_endpoint(url=f'http://{target}/200')['id']}/test"

        within = client.post(path, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        alone = client.post(path, headers={"traceparent": "00-no-trace-01"})

    run = within.json()["runId"].replace("-", "")
    assert within.json()["responseBody"]["secret"] == f"00-{trace}-{run[16:]}-01"
    own = alone.json()["runId"].replace("-", "")
    assert alone.json()["responseBody"]["secret"] == f"00-{own}-{own[16:]}-01"


def test_a_trial_tells_what_was_answered(serve, target) -> None:
    """With the endpoint's headers, and judged by its condition; it is in the history as a test."""
    with serve(allowed=[target]).client() as client:
        endpoint = client.an_endpoint(
            url=f"http://{target}/201", headersJson={"X-Shop": "north"}, successWhen="body.ok"
        )
        path = f"/endpoints/{endpoint['id']}"
        before = client.get(f"/jobs/_{path}").json()

        answer = client.post(f"{path}/test")

        told = answer.json()
        assert answer.status_code == 200
        assert (told["status"], told["statusCode"]) == ("success", 201)
        assert told["responseBody"] == {"ok": True, "secret": "north"}
        assert "errorMessage" not in told
        assert told["durationMs"] >= 0
        run = client.get(f"/runs/{told['runId']}").json()
        assert (run["source"], run["responseBody"]) == ("test", told["responseBody"])
        assert run["responseHeaders"]["Set-Cookie"] == MASK  # trap T43
        assert client.get(f"/jobs/_{path}").json() == before
        assert client.get(f"{path}/slots").json()["slots"] == []


def test_a_trial_counts_nowhere(serve, target) -> None:
    """No sum knows of it, neither of health nor of statistics; it is listed as a test; trap T36."""
    with serve(allowed=[target]).client() as client:
        endpoint = client.an_endpoint(url=f"http://{target}/500")
        path = f"/endpoints/{endpoint['id']}"
        health, stats = (client.get(each).json() for each in (f"{path}/health", "/dashboard/stats"))

        tried = client.post(f"{path}/test").json()

        assert tried["status"] == "failed"
        assert client.get(f"{path}/health").json() == health
        after = client.get("/dashboard/stats").json()
        assert {**after, "recentRuns": []} == stats
        assert [each["source"] for each in after["recentRuns"]] == ["test"]
        assert health["lastRun"] is None


def test_a_trial_that_fails_says_why(serve, target) -> None:
    """By the target's status, by the endpoint's condition, or because nobody is there."""
    with serve(allowed=["127.0.0.0/8"]).client() as client:
        failing = client.an_endpoint(client.a_job("a"), url=f"http://{target}/500")
        wrong = client.an_endpoint(
            client.a_job("b"), url=f"http://{target}/200", successWhen="!body.ok"
        )
        nobody = client.an_endpoint(client.a_job("c"), url="http://127.0.0.1:9/")

        told = [
            client.post(f"/endpoints/{each['id']}/test").json() for each in (failing, wrong, nobody)
        ]

        assert [each["status"] for each in told] == ["failed"] * 3
        assert [each.get("statusCode") for each in told] == [500, 200, None]
        assert [bool(each["errorMessage"]) for each in told] == [True] * 3
        assert "condition" in told[1]["errorMessage"]
        assert client.get(f"/jobs/_/endpoints/{failing['id']}").json()["failureCount"] == 0


def test_a_trial_goes_through_the_egress_guard(serve, target) -> None:
    """What was allowed when it was written is judged again when it is sent; trap T21."""
    allowing, refusing = serve(allowed=[target]), serve()
    key = allowing.key(allowing.a_tenant())
    with allowing.client(key) as client, refusing.client(key) as strict:
        endpoint = client.an_endpoint(url=f"http://{target}/200")

        told = strict.post(f"/endpoints/{endpoint['id']}/test").json()

        assert told["status"] == "canceled"
        assert "statusCode" not in told
        assert "127.0.0.1" in told["errorMessage"]
