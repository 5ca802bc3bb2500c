"""One deadline over everything, and the cap: stalled, dripping and endless targets."""

import asyncio
import gzip
import socket
import zlib
from dataclasses import replace

import pytest
from cronicorn_adapter_http import connector
from cronicorn_domain.model.endpoint import Limits, Method
from cronicorn_domain.model.run import BodyKind, Failed, FailureKind, Succeeded
from cronicorn_domain.testing.dispatcher_contract import SOON, a_dispatch

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CAPPED = Limits(response_size=2048)


def timed_out(outcome) -> Failed:
    """Fail the test unless the outcome is a timeout."""
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is FailureKind.TIMEOUT, outcome
    return outcome


async def test_a_name_that_is_not_resolved_in_time_is_a_timeout(dispatching) -> None:
    """Trap T20: the deadline covers the lookup, and the message says so."""

    class Stalled:
        async def resolve(self, name: str, port: int):
            await asyncio.Event().wait()

    dispatcher = await dispatching(resolver=Stalled())

    outcome = await dispatcher.dispatch(replace(a_dispatch("http://shop.example/"), limits=SOON))

    assert "resolving" in timed_out(outcome).message


async def test_a_handshake_that_stalls_is_a_timeout(serve, dispatching) -> None:
    """Trap T20: the deadline covers connecting, TLS included."""

    async def script(server, reader, writer) -> None:
        await server.until_gone(reader)

    server = await serve.run(script)
    dispatcher = await dispatching()
    url = server.url.replace("http", "https")

    outcome = await dispatcher.dispatch(replace(a_dispatch(url), limits=SOON))

    assert "connecting" in timed_out(outcome).message
    await server.gone.wait()


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", OK, b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_head_that_stalls_is_a_timeout(serve, dispatching, sent) -> None:
    """Trap T20: half an answer's head is no answer; the target sees that we have gone."""
    server = await serve.answer(sent, hold=True)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=SOON))

    assert "waiting for the answer" in timed_out(outcome).message
    assert outcome.response is None
    await server.gone.wait()


async def test_a_body_that_drips_ends_at_the_deadline(serve, dispatching) -> None:
    """Trap T20: a byte now and then does not lengthen the deadline; what came is kept."""

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        writer.write(OK + b"Content-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)  # the drip itself

    server = await serve.run(script)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=SOON))

    failure = timed_out(outcome)
    assert "reading the body" in failure.message
    assert failure.response is not None
    assert set(failure.response.body.text) == {"x"}
    assert not failure.response.body.truncated
    await server.gone.wait()


@pytest.mark.parametrize("at_once", [1, 5000])
async def test_interim_answers_without_end_are_given_up(serve, dispatching, at_once: int) -> None:
    """Trap T20: 1xx answers for ever, one by one or in a flood, are no answer."""

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        while True:
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * at_once)
            await writer.drain()
            await asyncio.sleep(0)

    server = await serve.run(script)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert "interim answers" in outcome.message
    await server.gone.wait()


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Let only a little of a request leave the process, and give the sockets it leaves through."""
    opened: list[socket.socket] = []
    real = connector.open_socket

    def open_narrow(info):
        opened.append(real(info))
        opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return opened[-1]

    monkeypatch.setattr(connector, "open_socket", open_narrow)
    return opened


@pytest.fixture
def unread(serve):
    """Start servers that read no more than the head of a request, and may answer to that."""

    async def start(answer: bytes):
        async def script(server, reader, writer) -> None:
            await server.request(reader)
            writer.write(answer)
            await asyncio.Event().wait()

        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        return await serve.run(script, sock=listening, limit=1024)

    return start


async def closed(opened: socket.socket) -> None:
    """Return when a socket has been closed; the test's own timeout is the limit."""
    while opened.fileno() != -1:  # noqa: ASYNC110  nobody tells of the end of a socket
        await asyncio.sleep(0.01)


async def test_a_request_that_is_not_read_is_given_up(unread, dispatching, narrow) -> None:
    """Trap T20: at the deadline the rest of a large request is dropped, and its socket closed."""
    server = await unread(b"")
    dispatcher = await dispatching()
    upload = a_dispatch(server.url, method=Method.POST, body="x" * 1024 * 1024)

    outcome = await dispatcher.dispatch(replace(upload, limits=SOON))

    timed_out(outcome)
    await closed(narrow[0])


async def test_an_answer_before_all_was_sent_ends_the_sending(unread, dispatching, narrow) -> None:
    """Trap T20: who answers at once and never reads our request does not keep its socket."""
    server = await unread(OK + b"Content-Length: 2\r\n\r\nok")
    dispatcher = await dispatching()
    upload = a_dispatch(server.url, method=Method.POST, body="x" * 1024 * 1024)

    outcome = await dispatcher.dispatch(upload)

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.text == "ok"
    await closed(narrow[0])


async def test_an_endless_body_is_cut_at_the_cap(serve, dispatching) -> None:
    """Trap T20: an endless body ends at the cap, marked truncated, and the target is left."""

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()

    server = await serve.run(script)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=CAPPED))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.text == "x" * 2048
    assert outcome.response.body.truncated
    await server.gone.wait()


async def test_a_body_of_exactly_the_cap_is_whole(serve, dispatching) -> None:
    """A body as large as the cap is not truncated."""
    server = await serve.answer(OK + b"Content-Length: 2048\r\n\r\n" + b"x" * 2048)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=CAPPED))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.text == "x" * 2048
    assert not outcome.response.body.truncated


async def test_truncated_json_is_text(serve, dispatching) -> None:
    """The first part of JSON is not JSON, even where it would read as such."""
    json_type = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    server = await serve.answer(json_type + b"Content-Length: 3000\r\n\r\n" + b"1" * 3000)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=CAPPED))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.kind is BodyKind.TEXT
    assert outcome.response.body.truncated


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_costs_no_more_than_the_cap(serve, dispatching, encoding: str) -> None:
    """Trap T20: of fifty megabytes of compressed nothing, the cap is unpacked."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    bomb = pack(b"\0" * 50_000_000)
    head = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding.encode(), len(bomb))
    server = await serve.answer(OK + head + bomb)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=CAPPED))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.text == "\ufffd" * 2048
    assert outcome.response.body.truncated


async def test_a_compressed_body_is_unpacked(serve, dispatching) -> None:
    """What is asked for in gzip or deflate is read in plain."""
    packed = gzip.compress(b"hello")
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    server = await serve.answer(OK + head + packed)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.text == "hello"
    assert b"Accept-Encoding: gzip, deflate" in server.heads[0]


async def test_half_a_compressed_body_is_no_success(serve, dispatching) -> None:
    """Trap T20: a compressed body that lacks its end is a failure, with what could be read."""
    packed = gzip.compress(b"hello" * 1000)[:-8]
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    server = await serve.answer(OK + head + packed)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert "too early" in outcome.message
    assert outcome.response is not None
    assert outcome.response.body.text.startswith("hello")


async def test_an_encoding_we_did_not_ask_for_is_a_note(serve, dispatching) -> None:
    """A body in an encoding that is not read is kept as a note of type and length."""
    server = await serve.answer(
        OK + b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\n\x0b\x02\x80hi"
    )
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.kind is BodyKind.BINARY
    assert "br" in outcome.response.body.text


async def test_the_timing_tells_what_was_reached(serve, dispatching) -> None:
    """Connected, first byte and end follow one another; what was not reached is None."""
    server = await serve.answer(OK + b"Content-Length: 2\r\n\r\nok")
    silent = await serve.answer(hold=True)
    dispatcher = await dispatching()

    whole = await dispatcher.dispatch(a_dispatch(server.url))
    half = await dispatcher.dispatch(replace(a_dispatch(silent.url), limits=SOON))

    reached = (whole.timing.connected, whole.timing.first_byte, whole.timing.complete)
    assert None not in reached
    assert sorted(reached) == list(reached)
    assert half.timing.connected is not None
    assert (half.timing.first_byte, half.timing.complete) == (None, None)
