"""Quotas as an operator writes them."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.quota import Meter, Pace, Quota, Quotas

_QUOTA: Final = re.compile(r"([0-9]{1,12})?(?:@([0-9]{1,6})/([0-9]{1,6})([smh]))?")
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
}


def quotas_in(entries: Iterable[str], meter: Meter) -> Quotas:
    """
    Read quotas: ``5000`` is each tenant's for a month, ``ID=5000`` that tenant's; the last counts.

    ``5000@20/1m`` gives a pace, too: 20 asks at once, and as many again in every minute (``s``,
    ``m`` or ``h``). ``@20/1m`` is a pace alone.

    Raises:
        InvalidInput: an entry is neither.
    """
    every: dict[Meter, Quota] = {}
    tenants: dict[tuple[TenantId, Meter], Quota] = {}
    for entry in entries:
        whose, _, said = entry.rpartition("=")
        quota = _quota(said)
        if quota is None:
            raise _refusal(entry)
        if not whose:
            every[meter] = quota
            continue
        try:
            tenants[TenantId(UUID(whose)), meter] = quota
        except ValueError:
            raise _refusal(entry) from None
    return Quotas(every=every, tenants=tenants)


def _quota(said: str) -> Quota | None:
    found = _QUOTA.fullmatch(said)
    if found is None or not said:
        return None
    limit, asks, count, unit = found.groups()
    try:
        pace = None if asks is None else Pace(asks=int(asks), per=int(count) * _UNITS[unit])
    except InvalidInput:
        return None
    return Quota(limit=None if limit is None else int(limit), pace=pace)


def _refusal(entry: str) -> InvalidInput:
    return InvalidInput(
        f"{entry[:60]!r} is no quota",
        field="quota",
        remedy="write N, N@ASKS/TIME such as 5000@20/1m, or the id of a tenant=N",
    )
