"""What happens is streamed to whoever listens, over real HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from queue import Queue
from threading import Thread

import pytest
from cronicorn_api.access import hearing

LISTENERS_MOST = 20
SOON = timedelta(milliseconds=200)


class Stream:
    """A stream that is read in a thread of its own."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self._read: Queue[tuple[str, dict] | None] = Queue()
        self._thread = Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        name = ""
        for line in self.answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                self._read.put((name, json.loads(line.removeprefix("data: "))))
        self._read.put(None)

    def next(self) -> tuple[str, dict]:
        """Wait for the next event."""
        event = self._read.get(timeout=60)
        assert event is not None, "it is over"
        return event

    def is_over(self) -> bool:
        """Wait for the end, which has to be what comes next."""
        return self._read.get(timeout=60) is None

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def listening(client) -> Iterator[Stream]:
    """Listen, from before what happens in the block."""
    with client.stream("GET", "/events") as answer:
        assert answer.status_code == 200, answer.read()
        stream = Stream(answer)
        assert stream.next() == ("ready", {})
        yield stream


def test_what_happens_is_streamed(serve) -> None:
    """To all who listen of the tenant, and to nobody else; it ends with the server."""
    service = serve()
    key = service.key(service.a_tenant())
    with (
        service.client(key) as client,
        service.client() as stranger,
        listening(client) as first,
        listening(client) as second,
        listening(stranger) as other,
    ):
        job = client.a_job()
        for each in (first, second):
            name, told = each.next()
            assert name == "plan.changed"
            assert (told["jobId"], told["action"]) == (job["id"], "create")
            assert told["at"].endswith("Z")
            assert "endpointId" not in told
        assert first.answer.headers["content-type"].startswith("text/event-stream")
        service.stop()
        assert all(each.is_over() for each in (first, second, other))
        for each in (first, second, other):
            each.join()


def test_runs_are_streamed(serve) -> None:
    """Their start and their end, in the words of the history."""
    service = serve()
    with service.client() as client:
        endpoint = client.an_endpoint()
        with listening(client) as stream:
            run = client.post(f"/endpoints/{endpoint['id']}/test").json()
            told: dict[str, dict] = {}
            while len(told) < 2:
                name, event = stream.next()
                if name.startswith("run."):
                    told[name] = event
            service.stop()
            stream.join()

    for event in told.values():
        assert (event["runId"], event["endpointId"]) == (run["runId"], endpoint["id"])
        assert (event["source"], event["attempt"]) == ("test", 1)
        assert event["scheduledFor"].endswith("Z")
    assert told["run.settled"]["status"] == run["status"]


def test_a_stream_ends_soon_after_what_let_it_in(serve, monkeypatch) -> None:
    """A key that was revoked hears no more, trap T40; others of the tenant hear on."""
    monkeypatch.setattr(hearing, "LOOK_AGAIN", SOON)
    service = serve()
    tenant = service.a_tenant()
    with service.client(service.key(tenant)) as client:
        made = client.post("/auth/api-key/create", json={"name": "agent"}).json()
        with (
            service.client(made["key"]) as agent,
            listening(agent) as ending,
            listening(client) as lasting,
        ):
            given = {"keyId": made["id"]}
            client.post("/auth/api-key/delete", json=given).raise_for_status()

            assert ending.is_over()
            client.a_job()
            assert lasting.next()[0] == "plan.changed"
            service.stop()
            for each in (ending, lasting):
                each.join()


def test_who_leaves_makes_room(serve) -> None:
    """So many of a tenant may listen; one more is told to come back."""
    service = serve()
    key = service.key(service.a_tenant())
    with service.client(key) as client:
        for _ in range(2):
            streams = [client.stream("GET", "/events") for _ in range(LISTENERS_MOST)]
            opened = [each.__enter__() for each in streams]
            assert [each.status_code for each in opened] == [200] * LISTENERS_MOST
            refused = client.get("/events")
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
            for each in streams:
                each.__exit__(None, None, None)
            wait_for_room(client)


def wait_for_room(client) -> None:
    """Wait until the server has seen that somebody left."""
    for _ in range(200):
        with client.stream("GET", "/events") as answer:
            if answer.status_code == 200:
                return
    pytest.fail("nobody has left")
