"""The egress guard: which URLs may be requested, and which addresses may be connected to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from cronicorn_domain.errors import RefusedUrl
from cronicorn_domain.ports.egress_rules import EgressRules
from yarl import URL

from cronicorn_adapter_http.addresses import (
    IPAddress,
    host_name,
    literal_address,
    port_number,
    reached_addresses,
    why_not_public,
)
from cronicorn_adapter_http.allow_list import AllowList

_UNSENDABLE = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*)([^#]*).*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]*))?")
_AS_WRITTEN = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACKS = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
_REMEMBERED = 8192
"""How many judged URLs are kept: judging one costs more than the rest of our own hot path."""


class NotLetOut(RefusedUrl):
    """A URL that means something, at an address that is neither public nor allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """
    A URL that may be requested, as far as that can be said without resolving.

    ``url`` is what is sent: the host in its canonical form, path and query as they were written.
    ``cleared`` holds the address when the URL names one; a name's addresses are judged when they
    are known, see `EgressGuard.admit`.
    """

    url: URL
    origin: tuple[str, str, int]
    cleared: frozenset[IPAddress]


class EgressGuard(EgressRules):
    """
    Lets out HTTP to public addresses, and to what the operator allowed.

    Hosts that are addresses, in any spelling, are judged at once; names when they have been
    resolved, and then every address counts: one that is not public refuses them all.
    """

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self.inspect)

    def check(self, url: str) -> None:
        """Accept the URL in silence, or raise `RefusedUrl`."""
        self.inspect(url)

    def destination(self, url: str) -> Destination:
        """Do the same as `inspect`, for a URL that is requested again and again."""
        return self._remembered(url)

    def inspect(self, url: str) -> Destination:
        """
        Judge a URL, and read it once for everyone: what is judged is what is requested.

        Raises:
            RefusedUrl: it is malformed, not HTTP, or carries credentials.
            NotLetOut: it names an address that is neither public nor allowed.
        """
        scheme, host, port_text, rest = _taken_apart(url)
        port = _port(port_text, scheme)
        name, address = _host(host)
        if address is not None:
            self._admit(address, port, subject=_meaning(host, address))
        elif _is_loopback_name(name):
            self._admit_loopback(name, port)
        return Destination(
            url=_as_sent(scheme, name, port, rest),
            origin=(scheme, name, port),
            cleared=frozenset() if address is None else frozenset({address}),
        )

    def admit(self, name: str, port: int, addresses: Sequence[str]) -> frozenset[IPAddress]:
        """
        Clear what a name has been resolved to.

        Raises:
            NotLetOut: an address is neither public nor allowed.
        """
        found = frozenset(map(ip_address, addresses))
        if not self._allow.allows_name(name, port):
            for address in found:
                self._admit(address, port, subject=f"{name} resolves to {address}, which")
        return found

    def _admit(self, address: IPAddress, port: int, *, subject: str) -> None:
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            raise NotLetOut(
                f"{subject} names an interface of this machine",
                field="url",
                remedy="give a public address",
            )
        reason = why_not_public(address)
        if reason is not None and not self._allow.allows_address(address, port):
            raise _not_let_out(f"{subject} is {reason}", str(_special_in(address)))

    def _admit_loopback(self, name: str, port: int) -> None:
        """Refuse a name that is loopback by definition (RFC 6761), unless anything opens that."""
        if self._allow.allows_name(name, port):
            return
        if not any(self._allow.allows_address(address, port) for address in _LOOPBACKS):
            raise _not_let_out(f"{name} is this machine itself", name)


def _taken_apart(url: str) -> tuple[str, str, str, str]:
    """Split a URL into scheme, host, port and the rest, more strictly than parsers do."""
    if _UNSENDABLE.search(url):
        raise _refused("the URL holds blanks, control characters or backslashes", "encode them")
    shape = _SHAPE.fullmatch(url)
    scheme = shape[1].lower() if shape else ""
    if shape is None or scheme not in _DEFAULT_PORTS:
        raise _refused(
            f"the URL is not HTTP, but {scheme[:20]}" if scheme else "the URL has no scheme",
            "begin it with http:// or https://",
        )
    authority, rest = shape[2] or "", shape[3] or ""
    if "@" in authority:
        raise _refused(
            "the URL carries credentials", "send them in a header, for example authorization"
        )
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not parts[1]:
        raise _refused("the URL names no host", "write it as https://host/path")
    return scheme, parts[1], parts[2] or "", rest


def _port(text: str, scheme: str) -> int:
    if not text:
        return _DEFAULT_PORTS[scheme]
    try:
        return port_number(text)
    except ValueError as error:
        raise _refused(str(error), "give the port of an HTTP server, or none") from error


def _host(text: str) -> tuple[str, IPAddress | None]:
    """Read the host as it will be connected to, and its address if it is one."""
    try:
        if text.startswith("["):
            address: IPAddress | None = IPv6Address(text[1:-1].replace("%25", "%"))
            return str(address), address
        name = host_name(text)
        address = literal_address(name)
    except ValueError as error:
        raise _refused(
            f"{text[:100]!r} is neither a host name nor an address", "check its spelling"
        ) from error
    return (name, None) if address is None else (str(address), address)


def _meaning(written: str, address: IPAddress) -> str:
    """Name an address by what was written and, if that is a disguise, by what it reaches."""
    shown = written.strip("[]").removesuffix(".")
    reached = str(_special_in(address))
    return reached if shown.lower() == reached else f"{shown[:100]} means {reached}, which"


def _special_in(address: IPAddress) -> IPAddress:
    """Return the address among those it reaches that is not public; itself, if all are."""
    special = (each for each in reached_addresses(address) if why_not_public(each) is not None)
    return next(special, address)


def _is_loopback_name(name: str) -> bool:
    bare = name.removesuffix(".")
    return bare == "localhost" or bare.endswith(".localhost")


def _as_sent(scheme: str, name: str, port: int, rest: str) -> URL:
    host = f"[{name}]" if ":" in name else name
    where = host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    # What can be sent is sent as it was written: a signature over a query does not survive a
    # change of its encoding.
    return URL(f"{scheme}://{where}{rest}", encoded=_AS_WRITTEN.fullmatch(rest) is not None)


def _refused(message: str, remedy: str) -> RefusedUrl:
    return RefusedUrl(message, field="url", remedy=remedy)


def _not_let_out(message: str, entry: str) -> NotLetOut:
    return NotLetOut(
        f"{message}, and not let out",
        field="url",
        remedy=f"if it is meant, the operator allows it with --egress-allow {entry}",
    )
