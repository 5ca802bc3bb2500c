"""Connections lead only where the guard has cleared, whatever names and redirects say."""

import ssl
from dataclasses import replace
from ipaddress import ip_address

import pytest
import trustme
from cronicorn_adapter_http.connector import open_socket
from cronicorn_adapter_http.exchange import Exchange, current
from cronicorn_domain.model.endpoint import Limits
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Succeeded
from cronicorn_domain.testing.dispatcher_contract import a_dispatch

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
FOLLOWING = Limits(redirects=3)


def redirecting(location: str) -> bytes:
    """Write an answer that redirects."""
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],
        ["127.0.0.1", "8.8.8.8", "fd00::1"],
        ["127.0.0.1", "::ffff:169.254.169.254"],
        ["127.0.0.1", "64:ff9b::a00:1"],
        ["127.0.0.1", "2002:a00:1::"],
        ["127.0.0.1", "fe80::1%1"],
    ],
)
async def test_one_address_that_is_not_public_blocks_the_name(
    serve, dispatching, resolving, sockets, addresses: list[str]
) -> None:
    """Trap T21: every address of a name has to pass, or none is connected to."""
    server = await serve.answer(OK)
    resolver = resolving(addresses)
    dispatcher = await dispatching(resolver=resolver)

    outcome = await dispatcher.dispatch(a_dispatch(f"http://shop.example:{server.port}/"))

    assert isinstance(outcome, Blocked)
    assert "shop.example" in outcome.message
    assert "--egress-allow" in outcome.message or "interface" in outcome.message
    assert resolver.asked == [("shop.example", server.port)]
    assert not sockets
    assert not server.connections


async def test_the_checked_address_is_the_one_connected_to(
    serve, dispatching, resolving, sockets
) -> None:
    """Trap T21: a name that resolves to something else the second time is not asked twice."""
    server = await serve.answer(OK)
    resolver = resolving(["127.0.0.1"], ["10.0.0.1"])
    dispatcher = await dispatching(resolver=resolver)
    dispatch = a_dispatch(f"http://shop.example:{server.port}/")

    before = await dispatcher.dispatch(dispatch)
    after = await dispatcher.dispatch(dispatch)

    assert isinstance(before, Succeeded)
    assert isinstance(after, Blocked)
    assert len(resolver.asked) == 2
    assert sockets == [("127.0.0.1", server.port)]
    assert b"Host: shop.example:%d\r\n" % server.port in server.heads[0]


async def test_a_name_with_several_addresses_is_tried_until_one_answers(
    serve, dispatching, resolving, sockets
) -> None:
    """Of the cleared addresses the next is tried when one refuses."""
    server = await serve.answer(OK)
    resolver = resolving(["127.0.0.9", "127.0.0.1"])
    dispatcher = await dispatching(allow=["127.0.0.0/8"], resolver=resolver)

    outcome = await dispatcher.dispatch(a_dispatch(f"http://shop.example:{server.port}/"))

    assert isinstance(outcome, Succeeded)
    assert sockets == [("127.0.0.9", server.port), ("127.0.0.1", server.port)]
    assert len(resolver.asked) == 1


async def test_a_name_without_addresses_is_a_failed_connection(dispatching, resolving) -> None:
    """A name that does not resolve is the target's failure, named in the message."""
    dispatcher = await dispatching(resolver=resolving([]))

    outcome = await dispatcher.dispatch(a_dispatch("http://shop.example/"))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert "shop.example could not be resolved" in outcome.message


async def test_a_refused_connection_names_the_place(serve, dispatching) -> None:
    """Nobody listening is the target's failure, with address, port and reason."""
    server = await serve.answer(OK)
    dispatcher = await dispatching(allow=["127.0.0.0/8"])

    outcome = await dispatcher.dispatch(a_dispatch(f"http://127.0.0.9:{server.port}/"))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert f"no connection to 127.0.0.9:{server.port}" in outcome.message
    assert "refused" in outcome.message


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "//192.168.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://0xa000001/",
        "http://127.0.0.2/",
        "http://localhost.:1/",
        "http://inside.example/",
    ],
)
async def test_a_redirect_to_what_is_not_let_out_is_blocked(
    serve, dispatching, resolving, sockets, location: str
) -> None:
    """Trap T21: the guard judges every hop; behind a redirect it is as strict as before."""
    server = await serve.answer(redirecting(location))
    dispatcher = await dispatching(
        allow=[f"127.0.0.1:{server.port}"], resolver=resolving(["10.0.0.1"])
    )

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=FOLLOWING))

    assert isinstance(outcome, Blocked)
    assert outcome.message.startswith("it was redirected")
    assert sockets == [("127.0.0.1", server.port)]


async def test_an_address_of_another_port_is_not_let_out_by_the_way(serve, dispatching) -> None:
    """Trap T21: an exception for one port is none for the next, behind a redirect too."""
    other = await serve.answer(OK)
    server = await serve.answer(redirecting(other.url))
    dispatcher = await dispatching(allow=[f"127.0.0.1:{server.port}"])

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=FOLLOWING))

    assert isinstance(outcome, Blocked)
    assert not other.connections


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_an_allowed_address_is_reached_in_every_spelling(
    serve, dispatching, host: str
) -> None:
    """A host that is an address in another spelling is sent and connected as that address."""
    server = await serve.answer(OK)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(f"http://{host}:{server.port}/"))

    assert isinstance(outcome, Succeeded), outcome


async def test_localhost_is_let_out_by_its_name(serve, dispatching, resolving) -> None:
    """A name that an operator allows may resolve to anything."""
    server = await serve.answer(OK)
    resolver = resolving(["127.0.0.1", "::1"])
    dispatcher = await dispatching(allow=[f"localhost:{server.port}"], resolver=resolver)

    outcome = await dispatcher.dispatch(a_dispatch(f"http://localhost:{server.port}/"))

    assert isinstance(outcome, Succeeded)


def test_no_socket_is_opened_to_an_address_that_was_not_cleared() -> None:
    """Trap T21: the last lock is at the socket, which literal addresses reach without a lookup."""
    exchange = Exchange(cleared=frozenset({ip_address("127.0.0.1")}))
    token = current.set(exchange)

    with pytest.raises(PermissionError):
        open_socket((2, 1, 6, "", ("127.0.0.2", 80)))
    opened = open_socket((2, 1, 6, "", ("127.0.0.1", 80)))

    opened.close()
    current.reset(token)
    assert exchange.new_connection


@pytest.fixture
def authority() -> trustme.CA:
    """Issue certificates of our own."""
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Trust an authority, as a client."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Serve with a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_a_pinned_address_keeps_host_and_server_name(
    serve, dispatching, resolving, authority: trustme.CA, sockets
) -> None:
    """Connecting to the cleared address, we still ask for the name: in Host, SNI, certificate."""
    asked: list[str] = []
    context = certified(authority, "shop.example")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    server = await serve.answer(OK, ssl=context)
    dispatcher = await dispatching(resolver=resolving(["127.0.0.1"]), tls=trusting(authority))

    outcome = await dispatcher.dispatch(a_dispatch(f"https://shop.example:{server.port}/"))

    assert isinstance(outcome, Succeeded)
    assert asked == ["shop.example"]
    assert b"Host: shop.example:%d\r\n" % server.port in server.heads[0]
    assert sockets == [("127.0.0.1", server.port)]


@pytest.mark.parametrize("fault", ["another name", "another authority"])
async def test_a_wrong_certificate_is_refused(
    serve, dispatching, resolving, authority: trustme.CA, fault: str
) -> None:
    """A certificate for another name, or of an unknown authority, ends before the request."""
    name = "other.example" if fault == "another name" else "shop.example"
    issuer = trustme.CA() if fault == "another authority" else authority
    server = await serve.answer(OK, ssl=certified(issuer, name))
    dispatcher = await dispatching(resolver=resolving(["127.0.0.1"]), tls=trusting(authority))

    outcome = await dispatcher.dispatch(a_dispatch(f"https://shop.example:{server.port}/"))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert "the certificate of shop.example is not trusted" in outcome.message
    assert not server.heads


async def test_https_to_a_server_without_tls_is_a_failure(serve, dispatching) -> None:
    """A target that does not speak TLS is a failed connection, and says so."""

    async def script(server, reader, writer) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await server.until_gone(reader)

    server = await serve.run(script)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(a_dispatch(server.url.replace("http", "https")))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CONNECTION
    assert "no TLS connection to 127.0.0.1" in outcome.message
