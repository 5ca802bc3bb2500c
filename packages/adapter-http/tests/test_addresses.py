"""Addresses: which are public, which are reached, and how they may be written."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from cronicorn_adapter_http.addresses import (
    host_name,
    literal_address,
    port_number,
    reached_addresses,
    why_not_public,
)
from hypothesis import given
from hypothesis import strategies as st

EDGES = (
    *("0.0.0.0", "10.255.255.255", "100.64.0.0", "127.0.0.1", "169.254.169.254", "172.16.0.0"),
    *("192.0.0.9", "192.168.0.0", "198.19.255.255", "203.0.113.0", "223.255.255.255", "8.8.8.8"),
    *("224.0.0.0", "255.255.255.255"),
)
V4 = st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.sampled_from(EDGES).map(IPv4Address))
V6 = st.one_of(
    st.integers(0, 2**128 - 1).map(IPv6Address),
    st.builds(
        lambda prefix, rest: IPv6Address(prefix << 112 | rest),
        st.sampled_from([0, 0x64, 0x100, 0x2001, 0x2002, 0x2606, 0x3FFF, 0x5F00, 0xFC00, 0xFE80]),
        st.integers(0, 2**112 - 1),
    ),
)


@given(V4)
def test_public_is_never_more_than_python_calls_global(address: IPv4Address) -> None:
    """Our own tables are at least as strict as the registry that Python knows."""
    if why_not_public(address) is None:
        assert address.is_global
        assert not (address.is_multicast)
        assert not (address.is_reserved)


@given(V6)
def test_a_public_ipv6_address_is_global_unicast(address: IPv6Address) -> None:
    """Nothing outside 2000::/3 is public, except for what it reaches."""
    if why_not_public(address) is None and reached_addresses(address) == (address,):
        assert address.is_global
        assert int(address) >> 125 == 1
        assert not address.is_site_local


@given(V4)
def test_an_address_is_judged_by_the_one_it_reaches(address: IPv4Address) -> None:
    """Trap T21: mapped, NAT64, 6to4 and Teredo forms are as public as what they carry."""
    value = int(address)
    forms = [
        IPv6Address(0xFFFF << 32 | value),
        IPv6Address(0x64FF9B << 96 | value),
        IPv6Address(0x2002 << 112 | value << 80 | 1),
        IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | ~value & 0xFFFFFFFF),
        IPv6Address(0x20010000 << 96 | value << 64 | ~0x08080808 & 0xFFFFFFFF),
    ]

    judgements = {why_not_public(form) for form in forms}

    assert judgements == {why_not_public(address)}


@given(V4, st.integers(1, 4), st.sampled_from(["{}", "0{:o}", "0x{:x}", "0X{:X}", "0000{:o}"]))
def test_an_ipv4_address_is_read_in_every_spelling(
    address: IPv4Address, parts: int, form: str
) -> None:
    """Trap T21: decimal, octal and hexadecimal hosts of one to four parts are one address."""
    octets = list(address.packed)
    numbers = [*octets[: parts - 1], int.from_bytes(octets[parts - 1 :])]

    host = ".".join(form.format(number) for number in numbers)

    assert literal_address(host) == address
    assert literal_address(f"{host}.") == address


@pytest.mark.parametrize(
    "host",
    ["1.2.3.4.5", "256.1.1.1", "1.2.3.256", "08", "4294967296", "a.1", "0xg.1", "::g", "1::2::3"],
)
def test_what_only_looks_like_an_address_is_none(host: str) -> None:
    """Trap T21: a host that others might take for an address is not passed on to them."""
    with pytest.raises(ValueError, match=r"."):
        literal_address(host)


@pytest.mark.parametrize("host", ["example.com", "1.example", "0x7f.example", "a-1", "_srv.x"])
def test_a_name_is_no_address(host: str) -> None:
    """Names may have numbers in them, but not at their end."""
    assert literal_address(host) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EXAMPLE.com", "example.com"),
        ("example.com.", "example.com."),
        ("bücher.example", "xn--bcher-kva.example"),
        ("ⓛocalhost", "localhost"),
        ("a_b.example", "a_b.example"),
    ],
)
def test_a_name_is_written_as_resolvers_know_it(text: str, name: str) -> None:
    """Case, width and language of a name do not matter."""
    assert host_name(text) == name


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", ".a", "a b", "a%2eb", "a/b", "a:b", "*", "a" * 64, "a." * 127 + "aa"]
)
def test_what_cannot_be_a_name_is_refused(text: str) -> None:
    """Trap T21: a host is letters, digits, hyphens and underscores between dots."""
    with pytest.raises(ValueError, match=r"."):
        host_name(text)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("10.0.0.1", "private"),
        ("fd00::1", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "this machine"),
        ("::", "this machine"),
        ("64:ff9b:1::8.8.8.8", "local NAT64"),
        ("4000::1", "not routed"),
    ],
)
def test_the_reason_says_what_an_address_is(address: str, reason: str) -> None:
    """The message can say in words why an address is not let out."""
    assert reason in (why_not_public(ip_address(address)) or "")


@pytest.mark.parametrize("text", ["", "0", "65536", "99999999", "-1", "+80", "8o", "\uff18\uff10"])
def test_what_is_no_port_is_refused(text: str) -> None:
    """Ports go from 1 to 65535, in plain digits."""
    with pytest.raises(ValueError, match="not a port"):
        port_number(text)


def test_the_first_and_the_last_port() -> None:
    """1 and 65535 are ports."""
    assert (port_number("1"), port_number("65535")) == (1, 65535)
