"""Draws which endpoints the AI planner looks at, and how many tokens tenants have for it."""

from collections.abc import Sequence
from dataclasses import replace

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.model.quota import Meter, Quota, Quotas

from tools.simulate.drawing import chance_of, one_of
from tools.simulate.participants import Newcomer


def with_planning(seed: int, newcomers: Sequence[Newcomer]) -> tuple[Newcomer, ...]:
    """Let the planner look at most of them; all else about them stays as it was drawn."""
    return tuple(_planned(seed, each) for each in newcomers)


def some_tokens(seed: int, tenants: Sequence[TenantId]) -> Quotas:
    """Give each tenant tokens: none, few, or plenty."""
    chance = chance_of(seed, "tokens")
    limits = (0, 20_000, 60_000, 200_000, 10_000_000)
    drawn = {
        (tenant, Meter.TOKENS): Quota(limit=one_of(chance, *limits, limits[-1]))
        for tenant in tenants
    }
    return Quotas(tenants=drawn)


def _planned(seed: int, newcomer: Newcomer) -> Newcomer:
    chance = chance_of(seed, f"{newcomer.name} planning")
    mode = one_of(chance, AiMode.AUTO, AiMode.AUTO, AiMode.AUTO, AiMode.SUGGEST, AiMode.OFF)
    return replace(newcomer, endpoint=replace(newcomer.endpoint, planning=Planning(mode=mode)))
