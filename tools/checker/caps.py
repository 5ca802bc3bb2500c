"""
Caps: at no commit more runs are under way, to a host or of a tenant, than its cap says.

A run is under way from its claim to the end of its lease, however that comes.
"""

from collections import Counter
from collections.abc import Iterator

from tools.checker.addresses import Addresses
from tools.checker.finding import Fault, Finding, stamp
from tools.checker.history import History, LeaseLife


def check_caps(history: History) -> Iterator[Finding]:
    """Count the leases, commit by commit."""
    if not history.caps.are_set:
        return
    addresses, running = Addresses(history), Counter[tuple[str, str]]()
    for _, grants, lease in _changes(history):
        address = addresses.at(lease.endpoint_id, lease.order)
        if address is None:
            continue
        caps = {
            ("host", address.host): history.caps.of_host(address.host),
            ("tenant", str(address.tenant)): history.caps.of_tenant(address.tenant),
        }
        for lane, cap in caps.items():
            running[lane] += 1 if grants else -1
            if grants and cap is not None and running[lane] > cap:
                yield Finding(
                    fault=Fault.CAP_BROKEN,
                    endpoint_id=lease.endpoint_id,
                    run_id=lease.run_id,
                    sentence=f"claimed at {stamp(lease.granted_at)} it was number {running[lane]} "
                    f"under way of {' '.join(lane)}, whose cap is {cap}",
                )


def _changes(history: History) -> list[tuple[int, bool, LeaseLife]]:
    """Return grants and ends in commit order; an end makes room for a grant of its commit."""
    changes = [(lease.order, True, lease) for lease in history.leases]
    changes += [
        (lease.end_order, False, lease) for lease in history.leases if lease.end_order is not None
    ]
    return sorted(changes, key=lambda each: each[:2])
