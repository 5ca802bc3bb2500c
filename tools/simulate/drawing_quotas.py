"""Draws quotas that are used up before the month is over, in worlds that see its end."""

from collections.abc import Sequence

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.quota import Meter, Quota, Quotas

from tools.simulate.drawing import chance_of, one_of, sometimes


def some_quotas(seed: int, tenants: Sequence[TenantId]) -> Quotas:
    """Give each tenant a quota of runs, most of them a small one, or none."""
    chance = chance_of(seed, "quotas")
    drawn = {
        (tenant, Meter.RUNS): Quota(limit=one_of(chance, 0, 1, 3, 10, 25, 60))
        for tenant in tenants
        if sometimes(chance, 0.8)
    }
    return Quotas(tenants=drawn)
