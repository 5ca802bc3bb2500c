"""Draws shared hosts that go down, what targets say about the next call, breakers and caps."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.endpoint import Heeds
from cronicorn_scheduler.settings import SchedulerSettings

from tools.simulate.drawing import (
    MINUTE,
    a_moment,
    chance_of,
    one_of,
    seconds,
    sometimes,
    up_to,
)
from tools.simulate.participants import Manner, Manners, Newcomer
from tools.simulate.troubles import HostDown, Outage

HOSTS = ("a.example", "b.example", "c.example:8080")


def on_shared_hosts(seed: int, newcomers: Sequence[Newcomer]) -> tuple[Newcomer, ...]:
    """Let endpoints, of whichever tenant, call few hosts, which say what they like."""
    hosts = HOSTS[: up_to(chance_of(seed, "hosts"), (1, len(HOSTS)))]
    return tuple(
        _polite(chance_of(seed, f"{each.name} manners"), each, hosts) for each in newcomers
    )


def _polite(chance: Random, newcomer: Newcomer, hosts: Sequence[str]) -> Newcomer:
    endpoint, target = newcomer.endpoint, newcomer.target
    url = f"http://{chance.choice(hosts)}/{newcomer.name}"
    heeds = Heeds(hints=sometimes(chance, 0.6), gone=sometimes(chance, 0.5))
    endpoint = replace(endpoint, request=replace(endpoint.request, url=url), heeds=heeds)
    if sometimes(chance, 0.8):
        ways = tuple(chance.sample(tuple(Manner), k=up_to(chance, (1, 4))))
        manners = Manners(share=one_of(chance, 0.05, 0.3, 0.8), ways=ways)
        target = replace(target, manners=manners)
    return replace(newcomer, endpoint=endpoint, target=target)


def some_outages(seed: int, lasts: timedelta) -> tuple[HostDown, ...]:
    """Draw outages of hosts, long enough that breakers open."""
    count = up_to(chance_of(seed, "outages"), (0, 4))
    drawn = [_outage(chance_of(seed, f"o{n}"), f"o{n}", lasts) for n in range(1, count + 1)]
    return tuple(sorted(drawn, key=lambda outage: outage.after))


def _outage(chance: Random, name: str, lasts: timedelta) -> HostDown:
    return HostDown(
        name=name,
        after=a_moment(chance, lasts),
        lasts=MINUTE * one_of(chance, 0.5, 2, 5, 8),
        host=chance.choice(HOSTS),
        how=one_of(chance, *Outage),
    )


def with_breaker_and_caps(
    seed: int, settings: SchedulerSettings, tenants: Sequence[TenantId]
) -> SchedulerSettings:
    """Draw what all workers of a scenario are set to."""
    chance = chance_of(seed, "politeness")
    breaker = Breaker(
        opens_after=one_of(chance, 1, 2, 3, 5, 10),
        probe_every=chance.choice(seconds(5, 20, 60, 60)),
    )
    return replace(
        settings,
        breaker=breaker if sometimes(chance, 0.9) else None,
        caps=_some_caps(chance, tenants) if sometimes(chance, 0.5) else settings.caps,
    )


def _some_caps(chance: Random, tenants: Sequence[TenantId]) -> Caps:
    general = one_of(chance, None, 1, 2, 4)
    return Caps(
        per_host=general,
        per_tenant=one_of(chance, None, None, 1, 3),
        hosts={HOSTS[0]: 1} if sometimes(chance, 0.3) else {},
        tenants={tenants[0]: 2} if sometimes(chance, 0.3) else {},
    )
