"""
The room that caps leave: who finds a place, and in which lane waits who does not.

A lane is what is counted: a host, or a tenant. What waits for room waits in one lane at a time, out
of the way of all others, and is let in when a place there is free.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NewType
from uuid import UUID

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.caps import Caps

Lane = NewType("Lane", str)
"""What a cap counts, as it is stored: ``host shop.example``, or ``tenant`` and its id."""

_HOST, _TENANT = "host ", "tenant "


class Room:
    """The places that caps leave free, counted down as runs are taken on."""

    def __init__(self, caps: Caps, running: Iterable[tuple[TenantId, str, int]]) -> None:
        """Count what is under way: how many runs of which tenant at which host."""
        self._caps = caps
        self._running: Counter[Lane] = Counter()
        for tenant, host, count in running:
            self._add(tenant, host, count)

    def take(self, tenant: TenantId, host: str) -> None:
        """Count a run that is taken on."""
        self._add(tenant, host, 1)

    def full_lane(self, tenant: TenantId, host: str) -> Lane | None:
        """Return the lane in which a run has to wait; None: there is a place for it."""
        for lane in lanes_of(self._caps, tenant, host):
            if self.places_in(lane) <= 0:
                return lane
        return None

    def places_in(self, lane: Lane, most: int = 1_000_000) -> int:
        """Return how many places are free in a lane, at most ``most``: where no cap is, all are."""
        cap = _cap_of(self._caps, lane)
        return most if cap is None else max(0, min(most, cap - self._running[lane]))

    def _add(self, tenant: TenantId, host: str, count: int) -> None:
        for lane in lanes_of(self._caps, tenant, host):
            self._running[lane] += count


def lanes_of(caps: Caps, tenant: TenantId, host: str) -> list[Lane]:
    """Return the lanes in which a run counts: those of its host and its tenant that have a cap."""
    lanes: list[Lane] = []
    if caps.of_host(host) is not None:
        lanes.append(Lane(f"{_HOST}{host}"))
    if caps.of_tenant(tenant) is not None:
        lanes.append(Lane(f"{_TENANT}{tenant}"))
    return lanes


def _cap_of(caps: Caps, lane: Lane) -> int | None:
    if lane.startswith(_HOST):
        return caps.of_host(lane.removeprefix(_HOST))
    return caps.of_tenant(TenantId(UUID(lane.removeprefix(_TENANT))))
