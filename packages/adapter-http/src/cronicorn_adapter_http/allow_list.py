"""What an operator lets out although the egress guard would not."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

from cronicorn_domain.errors import InvalidInput

from cronicorn_adapter_http.addresses import (
    IPAddress,
    IPNetwork,
    host_name,
    literal_address,
    port_number,
    reached_addresses,
)

_FIELD = "egress_allow"
_REMEDY = "write HOST, HOST:PORT, IP, IP:PORT, [IPv6]:PORT or a network such as 10.1.0.0/16"
_MAPPED_PREFIX = 96
_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::([0-9]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """
    Exceptions from the egress rules: names and networks, each at one port or at every port.

    A name opens whatever it resolves to; a network opens its addresses, however they are reached.
    """

    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[IPNetwork, int | None], ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "AllowList":
        """
        Read entries: ``HOST``, ``HOST:PORT``, ``IP``, ``IP:PORT``, ``[IPv6]:PORT`` or a network.

        A network is written in CIDR form and may have a port as well (``10.0.0.0/8:8080``,
        ``[fd00::/8]:8080``).

        Raises:
            InvalidInput: an entry is none of these; the field is ``egress_allow``.
        """
        names: set[tuple[str, int | None]] = set()
        networks: list[tuple[IPNetwork, int | None]] = []
        for entry in entries:
            host, port = _split(entry)
            network = _network(entry, host)
            if network is not None:
                networks.append((network, port))
            else:
                names.add((_name(entry, host), port))
        return cls(names=frozenset(names), networks=tuple(networks))

    def allows_name(self, name: str, port: int) -> bool:
        """Say whether the name, as resolvers know it, is open at this port."""
        bare = name.removesuffix(".")
        return (bare, port) in self.names or (bare, None) in self.names

    def allows_address(self, address: IPAddress, port: int) -> bool:
        """Say whether the address, or every address it reaches, is open at this port."""
        return self._holds(address, port) or all(
            self._holds(reached, port) for reached in reached_addresses(address)
        )

    def _holds(self, address: IPAddress, port: int) -> bool:
        return any(
            address in network and allowed in {None, port} for network, allowed in self.networks
        )


def _split(entry: str) -> tuple[str, int | None]:
    if bracketed := _BRACKETED.fullmatch(entry):
        host, port = bracketed.groups()
        return host, None if port is None else _port(entry, port)
    if entry.count(":") != 1:
        return entry, None
    host, _, port = entry.partition(":")
    return host, _port(entry, port)


def _port(entry: str, text: str) -> int:
    try:
        return port_number(text)
    except ValueError as error:
        raise _invalid(entry, str(error)) from error


def _network(entry: str, host: str) -> IPNetwork | None:
    if "%" in host:
        raise _invalid(entry, "a zone names an interface of this machine")
    try:
        if "/" in host:
            return _unmapped(ip_network(host))
        address = literal_address(host)
    except ValueError as error:
        raise _invalid(entry, str(error)) from error
    return None if address is None else _unmapped(ip_network(address))


def _unmapped(network: IPNetwork) -> IPNetwork:
    """Turn the network of an IPv4-mapped address into that of the address it reaches."""
    match network.network_address:
        case IPv6Address(ipv4_mapped=IPv4Address() as address) if (
            network.prefixlen >= _MAPPED_PREFIX
        ):
            return ip_network((address, network.prefixlen - _MAPPED_PREFIX))
        case _:
            return network


def _name(entry: str, host: str) -> str:
    try:
        return host_name(host).removesuffix(".")
    except ValueError as error:
        raise _invalid(entry, "that is not a host") from error


def _invalid(entry: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"{entry[:100]!r} cannot be allowed: {reason}", field=_FIELD, remedy=_REMEDY
    )
