"""
A process that uses up a tenant's quota of tokens, for tests: it reserves and settles, one by one.

It is given the database, the limit and the instant at which it asks, and tells how much it got.
"""

import asyncio
import json
import sys
from datetime import datetime
from typing import Final

from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.quota import Meter, Quota, Quotas, Reservation

from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.quota_guard import SqlQuotaGuard

_AT_ONCE: Final = 4


async def use_up(url: str, limit: int, now: datetime) -> int:
    """Use what there is, by several callers at once, and return how much it was."""
    quotas = Quotas(every={Meter.TOKENS: Quota(limit=limit)})
    async with open_engine(parse_database_url(url)) as engine:
        guard = SqlQuotaGuard(engine, quotas)
        return sum(await asyncio.gather(*(_use(guard, now) for _ in range(_AT_ONCE))))


async def _use(guard: SqlQuotaGuard, now: datetime) -> int:
    used = 0
    while isinstance(held := await guard.reserve(DEFAULT_TENANT, 1, now=now), Reservation):
        await guard.settle(held, 1, now=now)
        used += 1
    return used


if __name__ == "__main__":
    url, limit, instant = sys.argv[1:4]
    used_up = asyncio.run(use_up(url, int(limit), datetime.fromisoformat(instant)))
    sys.stdout.write(json.dumps(used_up))
