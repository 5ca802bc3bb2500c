"""Makes rules of what is said of them."""

from collections.abc import Iterator, Sequence

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.hint import DEFAULT_LIFE
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

from cronicorn_management.attempts import Attempts
from cronicorn_management.conditions import Conditions
from cronicorn_management.settings import EndpointSettings, RuleSetting


def rule_set(settings: EndpointSettings, conditions: Conditions, tried: Attempts) -> RuleSet | None:
    """
    Make the rules, and check the condition of success; what is at fault is kept with the attempts.
    """
    success = settings.success_when
    if success is not None:
        tried.attempt(("success_when",), lambda: _check(conditions, success, "success_when"))
    return rules_meant(settings.rules, conditions, tried, shadow=bool(settings.shadow_rules))


def rules_meant(
    given: Sequence[RuleSetting],
    conditions: Conditions,
    tried: Attempts,
    *,
    shadow: bool = False,
) -> RuleSet | None:
    """Make the rules; what is at fault is kept with the attempts."""
    made = [_tried(n, each, conditions, tried) for n, each in enumerate(given)]
    rules = tuple(each for each in made if each is not None)
    return tried.attempt(("rules", "shadow_rules"), lambda: RuleSet(rules=rules, shadow=shadow))


def _tried(
    number: int, given: RuleSetting, conditions: Conditions, tried: Attempts
) -> EndpointRule | None:
    place = f"rules.{number}"
    tried.attempt(("rules",), lambda: _check(conditions, given.when, f"{place}.when"))
    return tried.attempt(("rules",), lambda: _placed(place, given))


def _placed(place: str, given: RuleSetting) -> EndpointRule:
    try:
        return EndpointRule(
            when=given.when,
            then=tuple(_actions(given)),
            life=DEFAULT_LIFE if given.life is None else given.life,
            cooldown=given.cooldown,
            reason=given.reason,
        )
    except InvalidInput as error:
        error.field = f"{place}.{error.field or 'then'}"
        raise


def _actions(given: RuleSetting) -> Iterator[Action]:
    if given.every is not None:
        yield Every(given.every)
    if given.run_in is not None:
        yield RunIn(given.run_in)
    if given.pause_for is not None:
        yield PauseFor(given.pause_for)
    yield from (TriggerSibling(name) for name in given.trigger)
    if given.clear:
        yield ClearHints()
    if given.notify:
        yield Notify()
    if given.analyze:
        yield Analyze()


def _check(conditions: Conditions, expression: str, field: str) -> None:
    try:
        conditions.check(expression)
    except InvalidInput as error:
        error.field = field
        raise
