"""How polite all workers are to be, as people write it for workers and the API alike."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import Caps

OFF: Final = "off"
_EVERY: Final = ""
_ID: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def caps_in(hosts: Iterable[str], tenants: Iterable[str]) -> Caps:
    """
    Read caps: ``10`` is each one's, ``NAME=10`` that host's or tenant's; the last counts.

    Raises:
        InvalidInput: an entry is neither.
    """
    of_hosts, of_tenants = _limits(hosts, "HOST"), _limits(tenants, "TENANT")
    per_host, per_tenant = of_hosts.pop(_EVERY, None), of_tenants.pop(_EVERY, None)
    by_id = {_tenant(name): cap for name, cap in of_tenants.items()}
    return Caps(per_host=per_host, hosts=of_hosts, per_tenant=per_tenant, tenants=by_id)


def breaker_in(text: str) -> Breaker | None:
    """
    Read after how many failures in a row a host is held back; ``off``: never.

    Raises:
        InvalidInput: it is neither.
    """
    given = text.strip().lower()
    if given == OFF:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", given) or int(given) < 1:
        raise InvalidInput(
            f"{given[:40]!r} is not possible", remedy="Give a number from 1 on, or off"
        )
    return Breaker(opens_after=int(given))


def _limits(entries: Iterable[str], name: str) -> dict[str, int]:
    limits: dict[str, int] = {}
    for entry in entries:
        whose, _, number = entry.rpartition("=")
        if not re.fullmatch(r"[0-9]{1,9}", number) or int(number) < 1:
            raise InvalidInput(
                f"{entry[:60]!r} is no limit", remedy=f"Write N, or {name}=N, with N from 1 on"
            )
        limits[whose.lower()] = int(number)
    return limits


def _tenant(name: str) -> TenantId:
    if not re.fullmatch(_ID, name):
        raise InvalidInput(f"{name[:60]!r} is no tenant", remedy="Write the tenant's id")
    return TenantId(UUID(name))
