"""
Caps: at no commit more runs are under way, to a host or of a tenant, than its cap says.

A run is under way from its claim to the end of its lease, however that comes. Where the leases were
not seen it is from its claim to its end: a little shorter, so that what is found is broken indeed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.identity import EndpointId, RunId

from tools.checker.addresses import Address, Addresses
from tools.checker.finding import Fault, Finding, stamp
from tools.checker.history import History


def check_caps(history: History) -> Iterator[Finding]:
    """Count the leases, commit by commit."""
    if not history.caps.are_set:
        return
    addresses, running = Addresses(history), Counter[tuple[str, str]]()
    for _, grants, stay in _changes(_stays(history, addresses)):
        host, tenant = stay.address.host, stay.address.tenant
        caps = {
            ("host", host): history.caps.of_host(host),
            ("tenant", str(tenant)): history.caps.of_tenant(tenant),
        }
        for lane, cap in caps.items():
            running[lane] += 1 if grants else -1
            if grants and cap is not None and running[lane] > cap:
                yield Finding(
                    fault=Fault.CAP_BROKEN,
                    endpoint_id=stay.endpoint_id,
                    run_id=stay.run_id,
                    sentence=f"claimed at {stamp(stay.claimed_at)} it was number {running[lane]} "
                    f"under way of {' '.join(lane)}, whose cap is {cap}",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stay:
    """A run under way: from where on and until where, by commits or, without them, by seconds."""

    endpoint_id: EndpointId
    run_id: RunId
    address: Address
    claimed_at: datetime
    since: float
    until: float | None


def _stays(history: History, addresses: Addresses) -> Iterator[_Stay]:
    for lease in history.leases:
        if address := addresses.at(lease.endpoint_id, lease.order):
            yield _Stay(
                endpoint_id=lease.endpoint_id,
                run_id=lease.run_id,
                address=address,
                claimed_at=lease.granted_at,
                since=lease.order,
                until=lease.end_order,
            )
    for run in () if history.leases else history.runs:
        if address := addresses.latest(run.endpoint_id):
            yield _Stay(
                endpoint_id=run.endpoint_id,
                run_id=run.id,
                address=address,
                claimed_at=run.claimed_at,
                since=run.claimed_at.timestamp(),
                until=None if run.finished_at is None else run.finished_at.timestamp(),
            )


def _changes(stays: Iterable[_Stay]) -> list[tuple[float, bool, _Stay]]:
    """Return begins and ends in their order; an end makes room for a begin of its commit."""
    changes = []
    for stay in stays:
        changes.append((stay.since, True, stay))
        if stay.until is not None:
            changes.append((stay.until, False, stay))
    return sorted(changes, key=lambda each: each[:2])
