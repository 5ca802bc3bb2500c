"""Whom an endpoint's requests burden: its tenant, and the host it calls."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

from cronicorn_domain.identity import EndpointId, TenantId

from tools.checker.history import Created, Edited, History

USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Whose call it is, and to which host."""

    tenant: TenantId
    host: str


class Addresses:
    """The addresses of a history's endpoints, each from the commit on that made it so."""

    def __init__(self, history: History) -> None:
        self._known: dict[EndpointId, list[tuple[int, Address]]] = defaultdict(list)
        for entry in sorted(history.entries, key=lambda each: each.order):
            match entry.deed:
                case Created(endpoint=endpoint) | Edited(endpoint=endpoint):
                    address = Address(endpoint.tenant, _host(endpoint.request.url))
                    self._known[entry.endpoint_id].append((entry.order, address))
                case _:
                    continue

    def at(self, endpoint_id: EndpointId, order: int) -> Address | None:
        """Return the address that held at a commit; None: the history does not tell."""
        known = self._known.get(endpoint_id, [])
        place = bisect_right(known, order, key=lambda each: each[0])
        return known[place - 1][1] if place else None

    def latest(self, endpoint_id: EndpointId) -> Address | None:
        """Return the last address that is known."""
        known = self._known.get(endpoint_id)
        return known[-1][1] if known else None


def _host(url: str) -> str:
    parts = urlsplit(url)
    port = None if parts.port == USUAL_PORTS.get(parts.scheme) else parts.port
    return f"{parts.hostname}:{port}" if port else f"{parts.hostname}"
