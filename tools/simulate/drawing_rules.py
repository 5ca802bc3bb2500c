"""Draws what endpoints are to do when an answer says something, and what counts as a success."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from cronicorn_domain.model.rules import (
    Action,
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RuleSet,
    RunIn,
    TriggerSibling,
)

from tools.simulate.conditions import CONDITIONS
from tools.simulate.drawing import MINUTE, SECOND, chance_of, one_of, seconds, sometimes, up_to
from tools.simulate.participants import Newcomer

LIVES: Final = (*seconds(0.001, 5, 30, 120), 10 * MINUTE)
COOLDOWNS: Final = (None, None, SECOND, 10 * SECOND, MINUTE, 5 * MINUTE)

_ACTIONS: Final[Mapping[type[Action], Callable[[Random], Action]]] = {
    Every: lambda chance: Every(chance.choice(seconds(1, 2, 5, 15, 60, 300))),
    RunIn: lambda chance: RunIn(chance.choice(seconds(1, 3, 20, 90))),
    PauseFor: lambda chance: PauseFor(chance.choice(seconds(1, 10, 60))),
    ClearHints: lambda _: ClearHints(),
    Notify: lambda _: Notify(),
    Analyze: lambda _: Analyze(),
}


def with_rules(seed: int, newcomers: Sequence[Newcomer]) -> tuple[Newcomer, ...]:
    """Give endpoints rules; all else about them stays as it was drawn."""
    return tuple(
        _ruled(chance_of(seed, f"{each.name} rules"), each, newcomers) for each in newcomers
    )


def _ruled(chance: Random, newcomer: Newcomer, all_of_them: Sequence[Newcomer]) -> Newcomer:
    endpoint = newcomer.endpoint
    siblings = [
        each.name
        for each in all_of_them
        if each.endpoint.job_id == endpoint.job_id and each is not newcomer
    ]
    success_when = chance.choice(tuple(CONDITIONS)) if sometimes(chance, 0.2) else None
    conditions = chance.sample(tuple(CONDITIONS), k=up_to(chance, (0, 4)))
    rules = tuple(_rule(chance, condition, siblings) for condition in conditions)
    shadow = bool(rules) and sometimes(chance, 0.1)
    endpoint = replace(
        endpoint, rules=RuleSet(rules=rules, shadow=shadow), success_when=success_when
    )
    return replace(newcomer, endpoint=endpoint)


def _rule(chance: Random, condition: str, siblings: Sequence[str]) -> EndpointRule:
    kinds = chance.sample(tuple(_ACTIONS), k=up_to(chance, (1, 2)))
    actions = [_ACTIONS[kind](chance) for kind in kinds]
    if siblings and sometimes(chance, 0.3):
        actions.append(TriggerSibling(chance.choice(siblings)))
    return EndpointRule(
        when=condition,
        then=tuple(actions),
        life=chance.choice(LIVES),
        cooldown=one_of(chance, *COOLDOWNS),
    )
