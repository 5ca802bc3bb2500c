"""Quotas as an operator writes them."""

import re
from collections.abc import Iterable
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.quota import Meter, Quota, Quotas


def quotas_in(entries: Iterable[str], meter: Meter) -> Quotas:
    """
    Read limits of a month: ``5000`` is each tenant's, ``ID=5000`` that tenant's; the last counts.

    Raises:
        InvalidInput: an entry is neither.
    """
    every: dict[Meter, Quota] = {}
    tenants: dict[tuple[TenantId, Meter], Quota] = {}
    for entry in entries:
        whose, _, number = entry.rpartition("=")
        if not re.fullmatch(r"[0-9]{1,12}", number):
            raise _refusal(entry)
        quota = Quota(limit=int(number))
        if not whose:
            every[meter] = quota
            continue
        try:
            tenants[TenantId(UUID(whose)), meter] = quota
        except ValueError:
            raise _refusal(entry) from None
    return Quotas(every=every, tenants=tenants)


def _refusal(entry: str) -> InvalidInput:
    return InvalidInput(
        f"{entry[:60]!r} is no quota", field="quota", remedy="write N, or the id of a tenant=N"
    )
