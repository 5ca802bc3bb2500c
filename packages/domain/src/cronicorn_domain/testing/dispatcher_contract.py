"""
What every `Dispatcher` promises.

`DispatcherContract` holds for any of them, also for one that never touches a network.
`WireDispatcherContract` adds what can only be seen on the wire, at a small server of its own.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from cronicorn_domain.identity import EndpointId, RunId, new_uuid
from cronicorn_domain.model.endpoint import Header, HttpRequest, Limits, Method
from cronicorn_domain.model.run import (
    Blocked,
    BodyKind,
    Failed,
    FailureKind,
    Outcome,
    Response,
    Succeeded,
)
from cronicorn_domain.model.signing import Scheme, Signatory
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.dispatcher import Dispatch, Dispatcher
from cronicorn_domain.testing.builders import a_signing_key

SOON = Limits(timeout=timedelta(milliseconds=200))
"""The limits of a request that is meant to time out."""

_SLOT = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a target answers; one that ``stalls`` sends nothing after the body, and never ends."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    stalls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as a target saw it; the names of the headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Target(Protocol):
    """Where requests go. How it answers, and how it knows of them, is the adapter's affair."""

    @property
    def url(self) -> str:
        """The URL of its root, without a slash at the end."""
        ...

    @property
    def received(self) -> Sequence[Received]:
        """What has arrived, in its order."""
        ...

    def answer(self, answer: Answer, *, path: str | None = None) -> None:
        """Answer so from now on, at one path or at all that have no answer of their own."""
        ...

    async def arrived(self) -> None:
        """Return when a request has arrived."""
        ...

    async def abandoned(self) -> None:
        """Return when the sender of a request that is not answered has gone."""
        ...


def a_dispatch(url: str, **changes: object) -> Dispatch:
    """Build a dispatch of a GET without a body; ``changes`` are those of `HttpRequest`."""
    request = replace(HttpRequest(url=url), **changes)  # type: ignore[arg-type]
    return Dispatch(
        run_id=RunId(new_uuid()),
        endpoint_id=EndpointId(new_uuid()),
        slot=_SLOT,
        attempt=1,
        request=request,
        limits=Limits(timeout=timedelta(seconds=30)),
    )


def response_of(outcome: Outcome) -> Response:
    """Return the response of a success, and fail the test if it is none."""
    assert isinstance(outcome, Succeeded), outcome
    return outcome.response


def failure_of(outcome: Outcome, kind: FailureKind) -> Failed:
    """Return a failure of this kind, and fail the test if it is none."""
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is kind
    return outcome


class DispatcherContract:
    """Promises of every dispatcher; ``target`` is what the dispatcher reaches."""

    @pytest.fixture
    def target(self) -> Target:
        """Give what the dispatcher reaches."""
        raise NotImplementedError("the adapter's test class provides the target")

    @pytest.fixture
    def dispatcher(self) -> Dispatcher:
        """Give the dispatcher under test, which may reach ``target``."""
        raise NotImplementedError("the adapter's test class provides the dispatcher")

    @pytest.mark.parametrize("status", [200, 201, 204, 299])
    async def test_an_answer_of_the_200s_is_a_success(
        self, dispatcher: Dispatcher, target: Target, status: int
    ) -> None:
        """Every status from 200 to 299 is a success, and the response says which it was."""
        target.answer(Answer(status=status))

        outcome = await dispatcher.dispatch(a_dispatch(f"{target.url}/"))

        assert response_of(outcome).status_code == status

    @pytest.mark.parametrize("status", [300, 302, 304, 400, 404, 410, 429, 500, 503])
    async def test_any_other_answer_is_a_failure_with_its_response(
        self, dispatcher: Dispatcher, target: Target, status: int
    ) -> None:
        """A status outside the 200s is a failure of the target, and the response is kept."""
        target.answer(Answer(status=status))

        outcome = await dispatcher.dispatch(a_dispatch(f"{target.url}/"))

        failure = failure_of(outcome, FailureKind.HTTP_STATUS)
        assert failure.response is not None
        assert failure.response.status_code == status
        assert str(status) in failure.message

    async def test_the_body_comes_back(self, dispatcher: Dispatcher, target: Target) -> None:
        """What the target answers is in the response, JSON as JSON."""
        body = b'{"queue": [1, 2]}'
        target.answer(Answer(headers=(("Content-Type", "application/json"),), body=body))

        outcome = await dispatcher.dispatch(a_dispatch(f"{target.url}/"))

        kept = response_of(outcome).body
        assert kept.kind is BodyKind.JSON
        assert json.loads(kept.text) == {"queue": [1, 2]}

    async def test_what_was_asked_for_is_sent(self, dispatcher: Dispatcher, target: Target) -> None:
        """Method, path with query, and body reach the target as the endpoint has them."""
        request = a_dispatch(f"{target.url}/a?b=c", method=Method.PUT, body="hello")

        await dispatcher.dispatch(request)

        (received,) = target.received
        assert (received.method, received.path, received.body) == ("PUT", "/a?b=c", "hello")

    async def test_a_target_that_stalls_is_a_timeout(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """Trap T20: a target that does not answer is a failure at the deadline."""
        target.answer(Answer(stalls=True))

        outcome = await dispatcher.dispatch(replace(a_dispatch(f"{target.url}/"), limits=SOON))

        failure_of(outcome, FailureKind.TIMEOUT)
        await target.abandoned()

    async def test_the_shorter_limit_is_the_deadline(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """An execution may take no longer than it is given, whatever its request is."""
        target.answer(Answer(stalls=True))
        limits = Limits(timeout=timedelta(minutes=30), execution=SOON.timeout)

        outcome = await dispatcher.dispatch(replace(a_dispatch(f"{target.url}/"), limits=limits))

        failure_of(outcome, FailureKind.TIMEOUT)
        await target.abandoned()

    async def test_cancelling_ends_the_request(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """Trap T14: a request that is canceled, as when its lease is lost, ends at the target."""
        target.answer(Answer(stalls=True))
        task = asyncio.create_task(dispatcher.dispatch(a_dispatch(f"{target.url}/")))
        await target.arrived()

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        await target.abandoned()

    async def test_calls_at_once_do_not_disturb_one_another(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """Each of many calls gets its own answer, while others stall."""
        target.answer(Answer(stalls=True), path="/stalls")
        for n in range(20):
            target.answer(Answer(body=f"answer {n}".encode()), path=f"/{n}")
        stalling = replace(a_dispatch(f"{target.url}/stalls"), limits=SOON)

        slow, fast = await asyncio.gather(
            asyncio.gather(*(dispatcher.dispatch(stalling) for _ in range(5))),
            asyncio.gather(
                *(dispatcher.dispatch(a_dispatch(f"{target.url}/{n}")) for n in range(20))
            ),
        )

        assert [response_of(each).body.text for each in fast] == [f"answer {n}" for n in range(20)]
        assert all(failure_of(each, FailureKind.TIMEOUT) for each in slow)


class WireDispatcherContract(DispatcherContract):
    """
    Promises that show on the wire; the suite brings the server.

    ``forbidden`` is a second one, which the rules of the dispatcher under test do not let out.
    """

    @pytest.fixture
    async def target(self) -> AsyncIterator[Target]:
        """Give a small HTTP server."""
        async with open_http_target() as target:
            yield target

    @pytest.fixture
    async def forbidden(self) -> AsyncIterator[Target]:
        """Give another server."""
        async with open_http_target() as target:
            yield target

    async def test_what_is_not_let_out_is_blocked_and_not_connected(
        self, dispatcher: Dispatcher, forbidden: Target
    ) -> None:
        """Trap T21: what the egress rules do not let out is blocked, and nothing reaches it."""
        outcome = await dispatcher.dispatch(a_dispatch(f"{forbidden.url}/"))

        assert isinstance(outcome, Blocked)
        assert outcome.message
        assert not forbidden.received

    async def test_a_redirect_is_not_followed_unasked(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """Without redirects in its limits, a dispatch ends with the answer that redirects."""
        target.answer(Answer(status=302, headers=(("Location", "/next"),)))

        outcome = await dispatcher.dispatch(a_dispatch(f"{target.url}/"))

        failure_of(outcome, FailureKind.HTTP_STATUS)
        assert len(target.received) == 1

    async def test_our_headers_identify_the_run(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """A target can tell run, attempt and fire time, and recognise a repeat."""
        first = a_dispatch(f"{target.url}/")
        again = replace(first, run_id=RunId(new_uuid()), attempt=2)

        await dispatcher.dispatch(first)
        await dispatcher.dispatch(again)

        one, two = (received.headers for received in target.received)
        assert one["idempotency-key"] == two["idempotency-key"] == first.idempotency_key
        assert (one["x-cronicorn-attempt"], two["x-cronicorn-attempt"]) == ("1", "2")
        assert one["x-cronicorn-run-id"] == str(first.run_id)
        assert one["x-cronicorn-scheduled-for"] == "2030-01-01T12:00:00.250Z"
        assert one["user-agent"].startswith("Cronicorn/")
        assert one["traceparent"] != two["traceparent"]

    async def test_a_request_is_in_the_trace_of_who_asked_for_it(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """Below a span of its own, which it would have in a trace of its own, too."""
        trace = Trace(id="4bf92f3577b34da6a3ce929d0e0e4736", span="00f067aa0ba902b7")
        alone = a_dispatch(f"{target.url}/")

        await dispatcher.dispatch(alone)
        await dispatcher.dispatch(replace(alone, trace=trace))

        own, theirs = (each.headers["traceparent"].split("-") for each in target.received)
        assert own[1] == str(alone.run_id).replace("-", "")
        assert theirs == ["00", trace.id, own[2], "01"]

    async def test_headers_of_the_endpoint_are_sent(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """A user's own headers are sent as they are, secret ones too."""
        headers = (Header(name="X-Team", value="shop"), Header(name="Authorization", value="k"))

        await dispatcher.dispatch(a_dispatch(f"{target.url}/", headers=headers))

        (received,) = target.received
        assert (received.headers["x-team"], received.headers["authorization"]) == ("shop", "k")

    async def test_what_has_a_signatory_is_signed(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """By each of its schemes; what has none is not signed at all."""
        signatory = Signatory(
            schemes=frozenset(Scheme), keys=(a_signing_key(),), message_id="m", at=_SLOT
        )
        unsigned = a_dispatch(f"{target.url}/", method=Method.POST, body="hello")

        await dispatcher.dispatch(replace(unsigned, signatory=signatory))
        await dispatcher.dispatch(unsigned)

        signed, plain = (received.headers for received in target.received)
        assert signed["webhook-id"] == "m"
        assert signed["webhook-timestamp"] == signed["x-cronicorn-timestamp"]
        assert signed["webhook-signature"].startswith("v1,")
        assert signed["x-cronicorn-signature"].startswith("sha256=")
        assert not [name for name in plain if name.startswith("webhook-") or "signature" in name]

    async def test_no_cookie_is_kept(self, dispatcher: Dispatcher, target: Target) -> None:
        """A cookie that one run is given is not sent by the next."""
        target.answer(Answer(headers=(("Set-Cookie", "session=1; Path=/"),)))

        await dispatcher.dispatch(a_dispatch(f"{target.url}/"))
        await dispatcher.dispatch(a_dispatch(f"{target.url}/"))

        assert all("cookie" not in received.headers for received in target.received)

    async def test_a_body_beyond_the_cap_is_cut(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """Trap T20: of a larger body the first part is kept, marked truncated."""
        target.answer(Answer(headers=(("Content-Type", "text/plain"),), body=b"x" * 5000))
        dispatch = replace(a_dispatch(f"{target.url}/"), limits=Limits(response_size=1024))

        outcome = await dispatcher.dispatch(dispatch)

        kept = response_of(outcome).body
        assert (kept.text, kept.truncated) == ("x" * 1024, True)

    async def test_a_body_that_stalls_is_a_timeout_with_what_came(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """Trap T20: a body that does not end is a failure; what came of it is kept."""
        text = ("Content-Type", "text/plain")
        target.answer(Answer(headers=(text,), body=b"first part", stalls=True))

        outcome = await dispatcher.dispatch(replace(a_dispatch(f"{target.url}/"), limits=SOON))

        failure = failure_of(outcome, FailureKind.TIMEOUT)
        assert failure.response is not None
        assert (failure.response.status_code, failure.response.body.text) == (200, "first part")

    @pytest.mark.parametrize(
        "body",
        [
            b'{"a": "\\u0000"}',
            b'{"a": "\\ud800"}',
            b'{"a": NaN}',
            b'{"a": 1e999}',
            b"[" * 100 + b"]" * 100,
            b"\x00\xff\xfe",
            b'{"a": "\x00"}',
        ],
    )
    async def test_every_body_can_be_stored(
        self, dispatcher: Dispatcher, target: Target, body: bytes
    ) -> None:
        """Trap T16: NUL, lone surrogates, NaN, infinities and deep nesting do not come through."""
        target.answer(Answer(headers=(("Content-Type", "application/json"),), body=body))

        outcome = await dispatcher.dispatch(a_dispatch(f"{target.url}/"))

        kept = response_of(outcome).body
        assert "\0" not in kept.text
        assert kept.text.encode()
        assert kept.kind is not BodyKind.JSON or "\\u0000" not in kept.text

    async def test_nothing_there_is_a_failed_connection(
        self, dispatcher: Dispatcher, target: Target
    ) -> None:
        """A target that closes without a word is a failure, and no error."""
        target.answer(Answer(status=0))

        outcome = await dispatcher.dispatch(a_dispatch(f"{target.url}/"))

        assert failure_of(outcome, FailureKind.CONNECTION).message


@dataclass(slots=True)
class HttpTarget:
    """A server of the least HTTP that the suite needs. ``status`` 0 closes the connection."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    _answers: dict[str | None, Answer] = field(default_factory=lambda: {None: Answer()})
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _abandoned: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    def answer(self, answer: Answer, *, path: str | None = None) -> None:
        """Answer so from now on."""
        self._answers[path] = answer

    async def arrived(self) -> None:
        """Return when a request has arrived."""
        await self._arrived.wait()

    async def abandoned(self) -> None:
        """Return when the sender of a stalled request has gone."""
        await self._abandoned.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after the other."""
        self._connections.add(writer)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    def close(self) -> None:
        """End all connections."""
        for writer in tuple(self._connections):
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _read_request(reader)
        self.received.append(request)
        self._arrived.set()
        answer = self._answers.get(request.path, self._answers[None])
        if not answer.status:
            return False
        if not answer.stalls or answer.body:
            writer.write(_written(answer, head_only=request.method == "HEAD"))
            await writer.drain()
        if answer.stalls:
            await reader.read()
            self._abandoned.set()
        return not answer.stalls


@asynccontextmanager
async def open_http_target() -> AsyncIterator[HttpTarget]:
    """Serve on a free port of this machine."""
    target = HttpTarget()
    server = await asyncio.start_server(target.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    target.url = f"http://{host}:{port}"
    try:
        yield target
    finally:
        server.close()
        target.close()


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method=method, path=path, headers=headers, body=body.decode())


def _written(answer: Answer, *, head_only: bool) -> bytes:
    length = len(answer.body) + (1 if answer.stalls else 0)
    without_body = answer.status in {204, 304}
    headers = [f"{name}: {value}" for name, value in answer.headers]
    if not without_body:
        headers.append(f"Content-Length: {length}")
    head = "\r\n".join([f"HTTP/1.1 {answer.status} -", *headers, "", ""]).encode()
    return head if head_only or without_body else head + answer.body
