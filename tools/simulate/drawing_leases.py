"""Draws runs that outlive their leases, and workers that can hold few of them."""

from collections.abc import Sequence
from dataclasses import replace

from cronicorn_domain.model.endpoint import Limits
from cronicorn_scheduler.settings import SchedulerSettings

from tools.simulate.drawing import MINUTE, chance_of, one_of, seconds
from tools.simulate.participants import Newcomer

LONG = seconds(1, 8, 14, 25, 45, 70)


def with_long_runs(seed: int, newcomers: Sequence[Newcomer]) -> tuple[Newcomer, ...]:
    """Let requests last for up to seven leases."""
    return tuple(_long(seed, each) for each in newcomers)


def with_few_places(seed: int, settings: SchedulerSettings) -> SchedulerSettings:
    """Let workers have few runs in hand, and renew them two by two or together."""
    chance = chance_of(seed, "places")
    return replace(settings, concurrency=one_of(chance, 2, 2, 3, 400), batch=one_of(chance, 2, 200))


def _long(seed: int, newcomer: Newcomer) -> Newcomer:
    chance = chance_of(seed, f"length of {newcomer.name}")
    target = replace(newcomer.target, lengths=(chance.choice(LONG), chance.choice(LONG)))
    limits = Limits(timeout=one_of(chance, 2 * MINUTE, 5 * MINUTE))
    endpoint = replace(newcomer.endpoint, limits=limits)
    return replace(newcomer, endpoint=endpoint, target=target)
