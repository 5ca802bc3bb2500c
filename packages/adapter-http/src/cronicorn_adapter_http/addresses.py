"""
Which addresses are public, and which address a host or an address really reaches.

The tables follow the IANA special-purpose address registries; they are kept here, because what
``ipaddress`` calls global differs between Python's patch releases.
"""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

from yarl import URL

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_SPECIAL_4 = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "an address of this machine"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address behind a carrier's NAT"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a protocol assignment"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_SPECIAL_6 = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "an address of this machine"),
        ("::1/128", "a loopback address"),
        ("64:ff9b:1::/48", "a local NAT64 address"),
        ("100::/64", "a discard address"),
        ("2001::/23", "a protocol assignment"),
        ("2001:db8::/32", "a documentation address"),
        ("3fff::/20", "a documentation address"),
        ("5f00::/16", "a segment routing address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32 = (1 << 32) - 1
_PORT = re.compile(r"[0-9]{1,5}")
_HIGHEST_PORT = 65535

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_NAME = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")


def host_name(text: str) -> str:
    """
    Write a host as resolvers know it: lower case, international names in their ASCII form.

    Raises:
        ValueError: no host can be called so.
    """
    name = URL.build(scheme="http", host=text).raw_host or ""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} cannot be a host")
    return name


def port_number(text: str) -> int:
    """
    Read a port.

    Raises:
        ValueError: it is none; ports go from 1 to 65535.
    """
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= _HIGHEST_PORT:
        raise ValueError(f"{text[:20]!r} is not a port from 1 to {_HIGHEST_PORT}")
    return int(text)


def literal_address(host: str) -> IPAddress | None:
    """
    Read a host that is an address in any spelling; None when it is a name.

    Besides the usual spelling an IPv4 address has one to four decimal, octal or hexadecimal parts,
    the last of which fills all that is left: ``2130706433`` and ``0x7f.1`` are 127.0.0.1, as the
    C library has it.

    Raises:
        ValueError: it looks like an address and is none, so that a resolver might see what we do
            not.
    """
    if ":" in host:
        return ip_address(host)
    parts = host.removesuffix(".").split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return None
    return _from_numbers([_number(part) for part in parts])


def reached_addresses(address: IPAddress) -> tuple[IPAddress, ...]:
    """
    Name the addresses that a packet to ``address`` is for.

    IPv4-mapped, IPv4-compatible, NAT64 and 6to4 addresses carry an IPv4 address; a Teredo address
    carries those of its server and its client. Every other address is for itself.
    """
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return (IPv4Address(int(address) & _LOW_32),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or (address,)


def why_not_public(address: IPAddress) -> str | None:
    """
    Say what an address is instead of globally routable unicast; None if it is that.

    Judged by the addresses it reaches: each of them has to be public.
    """
    for reached in reached_addresses(address):
        if (reason := _special(reached)) is not None:
            return reason
    return None


def _special(address: IPAddress) -> str | None:
    if isinstance(address, IPv4Address):
        return next((what for network, what in _SPECIAL_4 if address in network), None)
    for network, what in _SPECIAL_6:
        if address in network:
            return what
    return None if address in _GLOBAL_UNICAST else "an address that is not routed"


def _number(part: str) -> int:
    if not _NUMBER.fullmatch(part):
        raise ValueError(f"{part!r} is not a number")
    if part[:2] in {"0x", "0X"}:
        return int(part[2:] or "0", 16)
    if part.startswith("0"):
        return int(part, 8)
    return int(part)


def _from_numbers(numbers: list[int]) -> IPv4Address:
    *octets, rest = numbers
    width = 4 - len(octets)
    if width < 1 or rest >> 8 * width:
        raise ValueError("not an IPv4 address")
    return IPv4Address(bytes(octets) + rest.to_bytes(width))  # an octet above 255 is a ValueError
