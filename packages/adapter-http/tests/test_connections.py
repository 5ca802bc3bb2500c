"""Connections are kept, given up and replaced; what a request carries; runs disturb no other."""

import asyncio
import json
import secrets
from dataclasses import replace

import pytest
from cronicorn_domain.identity import RunId, new_uuid
from cronicorn_domain.model.endpoint import Header, Method
from cronicorn_domain.model.run import Failed, FailureKind, Succeeded
from cronicorn_domain.testing.dispatcher_contract import SOON, a_dispatch

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


async def test_a_connection_is_reused(serve, dispatching) -> None:
    """One run after the other uses one connection to a host."""

    async def script(server, reader, writer) -> None:
        while True:
            await server.request(reader)
            writer.write(OK)

    server = await serve.run(script)
    dispatcher = await dispatching()

    outcomes = [await dispatcher.dispatch(a_dispatch(server.url)) for _ in range(3)]

    assert all(isinstance(outcome, Succeeded) for outcome in outcomes)
    assert (server.connections, len(server.heads)) == (1, 3)


def closing_at_the_second_request():
    """Answer the first request of the first connection, and close it upon the second."""

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        writer.write(OK)
        await server.request(reader)
        if server.connections > 1:
            writer.write(OK)

    return script


async def test_a_kept_connection_that_was_closed_costs_nothing(serve, dispatching) -> None:
    """A request that meets a kept connection being closed goes out once more, on a new one."""
    server = await serve.run(closing_at_the_second_request())
    dispatcher = await dispatching()

    outcomes = [await dispatcher.dispatch(a_dispatch(server.url)) for _ in range(2)]

    assert all(isinstance(outcome, Succeeded) for outcome in outcomes)
    assert (server.connections, len(server.heads)) == (2, 3)


async def test_a_post_is_not_repeated(serve, dispatching) -> None:
    """What may have been carried out is not sent again: the run says that the connection broke."""
    server = await serve.run(closing_at_the_second_request())
    dispatcher = await dispatching()
    post = a_dispatch(server.url, method=Method.POST, body="pay")

    first, second = [await dispatcher.dispatch(post) for _ in range(2)]

    assert isinstance(first, Succeeded)
    assert isinstance(second, Failed)
    assert second.kind is FailureKind.CONNECTION
    assert server.connections == 1


async def test_a_new_connection_that_breaks_is_not_tried_again(serve, dispatching) -> None:
    """Only a connection that had been kept can have gone stale."""
    server = await serve.answer()
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url))

    assert isinstance(outcome, Failed)
    assert server.connections == 1


async def test_half_an_answer_is_not_asked_for_again(serve, dispatching) -> None:
    """When something of an answer has come, the connection was not stale."""

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        writer.write(OK)
        await server.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-")

    server = await serve.run(script)
    dispatcher = await dispatching()

    first, second = [await dispatcher.dispatch(a_dispatch(server.url)) for _ in range(2)]

    assert isinstance(first, Succeeded)
    assert isinstance(second, Failed)
    assert server.connections == 1


@pytest.mark.parametrize("answer", [b"", OK[:20], OK.replace(b"Length: 2", b"Length: 9")])
async def test_cancelling_ends_the_request_wherever_it_stands(
    serve, dispatching, answer: bytes
) -> None:
    """Trap T14: a canceled call ends before the head, within it, and within the body."""
    arrived = asyncio.Event()

    async def script(server, reader, writer) -> None:
        await server.request(reader)
        writer.write(answer)
        await writer.drain()
        arrived.set()
        await server.until_gone(reader)

    server = await serve.run(script)
    dispatcher = await dispatching()
    task = asyncio.create_task(dispatcher.dispatch(a_dispatch(server.url)))
    await arrived.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await server.gone.wait()


async def test_cancelling_during_the_lookup_ends_only_its_own_run(serve, dispatching) -> None:
    """Trap T14: a run that is canceled while a name is looked up sends nothing."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        async def resolve(self, name: str, port: int):
            asked.set()
            await go_on.wait()
            return ["127.0.0.1"]

    server = await serve.answer(OK)
    dispatcher = await dispatching(resolver=Slow())
    url = f"http://shop.example:{server.port}/"
    canceled, other = [asyncio.create_task(dispatcher.dispatch(a_dispatch(url))) for _ in range(2)]
    await asked.wait()

    canceled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await canceled
    go_on.set()

    assert isinstance(await other, Succeeded)
    assert server.connections == 1


async def test_slow_and_fast_targets_at_once(serve, dispatching) -> None:
    """Fifty runs at once, half of them against targets that stall, each end as they should."""

    async def echo(server, reader, writer) -> None:
        while True:
            head = await server.request(reader)
            path = head.split(b" ")[1]
            size = len(path)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (size, path))

    fast = await serve.run(echo)
    slow = await serve.answer(hold=True)
    dispatcher = await dispatching()
    stalling = replace(a_dispatch(slow.url), limits=SOON)
    paths = [f"/{secrets.token_hex(8)}" for _ in range(25)]

    quick, late = await asyncio.gather(
        asyncio.gather(
            *(dispatcher.dispatch(a_dispatch(f"{fast.url.rstrip('/')}{path}")) for path in paths)
        ),
        asyncio.gather(*(dispatcher.dispatch(stalling) for _ in paths)),
    )

    assert [outcome.response.body.text for outcome in quick] == paths
    assert {outcome.kind for outcome in late} == {FailureKind.TIMEOUT}


async def test_closing_the_dispatcher_ends_what_is_under_way(serve, stack, dispatching) -> None:
    """A dispatcher that is closed leaves no connection behind."""
    server = await serve.answer(hold=True)
    dispatcher = await dispatching()
    task = asyncio.create_task(dispatcher.dispatch(a_dispatch(server.url)))
    while not server.heads:  # noqa: ASYNC110  the server's own record is the evidence
        await asyncio.sleep(0)

    await stack.pop_all().aclose()

    outcome = await task
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"a": 1}', "application/json"),
        ("17", "application/json"),
        ("NaN", "text/plain; charset=utf-8"),
        ("hello ä", "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
        (json.dumps(["x" * 5000]), "application/json"),
        ("[" * 5000, "text/plain; charset=utf-8"),
        (None, None),
    ],
)
async def test_a_body_gets_a_type_if_it_has_none(
    serve, dispatching, body: str | None, content_type: str | None
) -> None:
    """A body that reads as JSON is sent as JSON, any other as text, and none without a type."""
    server = await serve.answer(OK)
    dispatcher = await dispatching()

    await dispatcher.dispatch(a_dispatch(server.url, method=Method.POST, body=body))

    lines = server.heads[0].decode().lower().split("\r\n")
    found = [line.partition(": ")[2] for line in lines if line.startswith("content-type")]
    assert found == ([] if content_type is None else [content_type])


async def test_the_users_own_type_and_encodings_stand(serve, dispatching) -> None:
    """Headers that a user gives are not given twice."""
    server = await serve.answer(OK)
    dispatcher = await dispatching()
    headers = (
        Header(name="content-type", value="application/x-shop"),
        Header(name="ACCEPT-ENCODING", value="identity"),
        Header(name="accept", value="text/plain"),
    )

    await dispatcher.dispatch(a_dispatch(server.url, body="{}", headers=headers))

    head = server.heads[0].decode().lower()
    for name in ("content-type", "accept-encoding", "accept"):
        assert head.count(f"\r\n{name}: ") == 1
    assert "application/x-shop" in head
    assert "identity" in head


async def test_the_trace_is_the_run(serve, dispatching) -> None:
    """W3C's trace context names the run's own id as the trace, sampled, with a fresh span."""
    server = await serve.answer(OK)
    dispatcher = await dispatching()
    run_id = RunId(new_uuid())

    await dispatcher.dispatch(replace(a_dispatch(server.url), run_id=run_id))

    (trace,) = [
        line.partition(": ")[2]
        for line in server.heads[0].decode().split("\r\n")
        if line.lower().startswith("traceparent")
    ]
    version, trace_id, span_id, flags = trace.split("-")
    assert (version, trace_id, flags) == ("00", run_id.hex, "01")
    assert int(span_id, 16)
    assert len(span_id) == 16


async def test_path_and_query_are_sent_as_they_were_written(serve, dispatching) -> None:
    """A signature over a URL survives: nothing in it is encoded anew."""
    server = await serve.answer(OK)
    dispatcher = await dispatching()
    path = "a/../b%2Fc%7e?signature=a%2Bb%3A%2C+x;y=[1]&z=:"

    await dispatcher.dispatch(a_dispatch(f"{server.url}{path}#part"))

    assert server.heads[0].startswith(f"GET /{path} HTTP/1.1\r\n".encode())
