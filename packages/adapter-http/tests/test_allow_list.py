"""The operator's exceptions."""

from ipaddress import ip_address

import pytest
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("entry", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 1),
        ("127.0.0.1:9000", "127.0.0.1", 9000),
        ("127.0.0.1", "::ffff:127.0.0.1", 80),
        ("::ffff:127.0.0.1", "127.0.0.1", 80),
        ("::ffff:10.0.0.0/104", "10.1.1.1", 80),
        ("0x7f000001", "127.0.0.1", 80),
        ("::1", "::1", 80),
        ("[::1]", "::1", 80),
        ("[::1]:9000", "::1", 9000),
        ("10.0.0.0/8", "10.200.0.1", 80),
        ("10.0.0.0/8:8080", "10.200.0.1", 8080),
        ("fd00::/8", "fd12::1", 80),
        ("[fd00::/8]:8080", "fd12::1", 8080),
        ("fd00::/8", "fd00::1", 80),
        ("64:ff9b:1::/48", "64:ff9b:1::a00:1", 80),
    ],
)
def test_an_address_is_opened(entry: str, address: str, port: int) -> None:
    """An address or a network is open at the port that is given, or at all, however reached."""
    allow = AllowList.parse([entry])

    assert allow.allows_address(ip_address(address), port)


@pytest.mark.parametrize(
    ("entry", "address", "port"),
    [
        ("127.0.0.1:9000", "127.0.0.1", 9001),
        ("127.0.0.1", "127.0.0.2", 80),
        ("10.0.0.0/8", "11.0.0.1", 80),
        ("[::1]:9000", "::1", 80),
        ("::1", "127.0.0.1", 80),
        ("localhost", "127.0.0.1", 80),
        ("0.0.0.0/0", "::1", 80),
    ],
)
def test_what_is_not_named_stays_closed(entry: str, address: str, port: int) -> None:
    """Another port, another address, or a name, opens nothing."""
    allow = AllowList.parse([entry])

    assert not allow.allows_address(ip_address(address), port)


def test_a_name_is_opened_at_its_port() -> None:
    """A name is open as resolvers know it, at its port or at all."""
    allow = AllowList.parse(["LocalHost:9000", "inside.example."])

    assert allow.allows_name("localhost", 9000)
    assert allow.allows_name("localhost.", 9000)
    assert allow.allows_name("inside.example", 1)
    assert not allow.allows_name("localhost", 9001)
    assert not allow.allows_name("api.localhost", 9000)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:http",
        "http://localhost:9000",
        "localhost/path",
        "*",
        "*.example.com",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "300.0.0.1",
        "[::1",
        "::1]:80",
        "[::1]x",
        "fe80::1%eth0",
        "user@host",
        "a b",
    ],
)
def test_an_entry_that_means_nothing_is_refused(entry: str) -> None:
    """A wrong entry opens nothing and says what to write instead."""
    with pytest.raises(InvalidInput) as refusal:
        AllowList.parse([entry])

    assert refusal.value.field == "egress_allow"
    assert "HOST:PORT" in (refusal.value.remedy or "")
