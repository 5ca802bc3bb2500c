"""Answers that are no answers: each is an outcome that a person understands, and no error."""

import socket
import struct
from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_domain.model.endpoint import Limits
from cronicorn_domain.model.run import BodyKind, Failed, FailureKind, Succeeded
from cronicorn_domain.testing.dispatcher_contract import a_dispatch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OK = b"HTTP/1.1 200 OK\r\n"
TEXT = OK + b"Content-Type: text/plain\r\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 2", "closed the connection"),
        (OK + b"A: b\r\n", "closed the connection"),
        (b"hello there\r\n\r\n", "not valid HTTP"),
        (b"SSH-2.0-OpenSSH_9\r\n", "not valid HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "not valid HTTP"),
        (b"<html>HTTP/0.9</html>", "not valid HTTP"),
        (b"HTTP/1.1 1000 X\r\nContent-Length: 0\r\n\r\n", "not valid HTTP"),
        (OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "not valid HTTP"),
        (OK + b"Content-Length: -4\r\n\r\nabcd", "not valid HTTP"),
        (OK + b"Content-Length: 99999999999999999999999\r\n\r\nabcd", "not valid HTTP"),
        (TEXT + b"Content-Length: 3\r\n\r\nabcdefgh", "longer than its Content-Length"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc", "not valid HTTP"),
        (OK + b"A: a\0b\r\nContent-Length: 0\r\n\r\n", "not valid HTTP"),
        (OK + b"A: " + b"x" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n", "headers are too large"),
        (OK + b"A: b\r\n" * 5000 + b"Content-Length: 0\r\n\r\n", "headers"),
    ],
)
async def test_what_is_no_http_is_a_failed_connection(
    serve, dispatching, answer: bytes, said: str
) -> None:
    """A target that does not speak HTTP, or floods, fails the run with a reason in words."""
    server = await serve.answer(answer)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert said in outcome.message
    assert outcome.message.isprintable()
    assert server.connections == 1


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (b"Content-Length: 100\r\n\r\nfirst", "Content-Length"),
        (b"Transfer-Encoding: chunked\r\n\r\n64\r\nfirst", "last chunk"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", "last chunk"),
    ],
)
async def test_a_body_that_ends_too_early_is_no_success(
    serve, dispatching, rest: bytes, said: str
) -> None:
    """Trap T20: a body shorter than announced is a failure, with its status and what came."""
    server = await serve.answer(TEXT + rest)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert said in outcome.message
    assert outcome.response is not None
    assert outcome.response.status_code == 200
    assert outcome.response.body.text == "first"
    assert outcome.timing.complete is None


async def test_a_connection_reset_within_the_body_is_no_success(serve, dispatching) -> None:
    """Trap T20: a connection that is reset before the body's end is a failure."""

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        writer.write(TEXT + b"Content-Length: 100\r\n\r\nfirst")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)  # close with a reset
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    server = await serve.run(script)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert outcome.message


async def test_bytes_after_the_announced_length_do_not_reach_the_next_run(
    serve, dispatching
) -> None:
    """What a target sends beyond its Content-Length is never taken for the next answer."""

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        writer.write(TEXT + b"Content-Length: 3\r\n\r\none")
        await server.request(reader)
        writer.write(b"garbage" + TEXT + b"Content-Length: 3\r\n\r\ntwo")
        await server.until_gone(reader)

    server = await serve.run(script)
    dispatcher = await dispatching()

    first = await dispatcher.dispatch(a_dispatch(server.url))
    second = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(first, Succeeded)
    assert first.response.body.text == "one"
    assert isinstance(second, Failed)
    assert second.kind is FailureKind.CONNECTION
    await server.gone.wait()


async def test_interim_answers_are_passed_over(serve, dispatching) -> None:
    """100, 102 and 103 come before the answer and are none."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    server = await serve.answer(interim, TEXT + b"Content-Length: 2\r\n\r\nok")
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.body.text == "ok"


async def test_switching_protocols_is_no_success(serve, dispatching) -> None:
    """A target that changes to another protocol has not answered, and is left."""
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nabc"
    server = await serve.answer(switch, hold=True)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.HTTP_STATUS
    await server.gone.wait()


async def test_headers_can_be_stored(serve, dispatching) -> None:
    """Trap T16: bytes that are no text in a header are replaced; a megabyte of them is not kept."""
    head = OK + b"A: \xff\xe4\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 4000) for n in range(20))
    server = await serve.answer(head + b"Content-Length: 0\r\n\r\n")
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Succeeded)
    assert outcome.response.headers[0] == ("A", "\ufffd\ufffd")
    assert sum(len(name) + len(value) for name, value in outcome.response.headers) <= 32 * 1024
    assert outcome.response.body.kind is BodyKind.NONE


async def test_a_request_that_cannot_be_encoded_is_a_failure(serve, dispatching) -> None:
    """Trap T15: text that UTF-8 cannot hold harms its own run alone."""
    server = await serve.answer(OK)
    dispatcher = await dispatching()

    dispatch = a_dispatch(server.url, method="POST")
    # The door refuses it by now; what was stored before may still hold it.
    object.__setattr__(dispatch.request, "body", "\ud800")

    outcome = await dispatcher.dispatch(dispatch)

    assert isinstance(outcome, Failed)
    assert "cannot be sent" in outcome.message
    assert not server.connections


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda parts: b"HTTP/1.1 200 OK\r\n" + b"".join(parts),
            st.lists(
                st.sampled_from(
                    [
                        b"Content-Length: 3\r\n",
                        b"Content-Type: application/json; charset=utf-16\r\n",
                        b"Content-Encoding: gzip\r\n",
                        b"Content-Encoding: \xff\r\n",
                        b"Transfer-Encoding: chunked\r\n",
                        b"Location: http://[\r\n",
                        b"\r\n",
                        b"3\r\n",
                        b"abc",
                        b"\x1f\x8b\x08\x00",
                        b"\x00\xff",
                        b"{}",
                    ]
                ),
                max_size=12,
            ),
        ),
    )
)
async def test_no_answer_raises(serve, dispatching, answer: bytes) -> None:
    """Whatever bytes a target sends, an outcome comes of it whose text can be stored."""
    server = await serve.answer(answer)
    dispatcher = await dispatching()
    limits = Limits(timeout=timedelta(seconds=5), redirects=1)

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=limits))

    response = outcome.response
    assert response is None or response.body.text.encode() is not None
    assert isinstance(outcome, Succeeded) or "\0" not in outcome.message
