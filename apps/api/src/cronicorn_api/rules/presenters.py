"""Reads rules from the wire, and shows them."""

from collections.abc import Sequence
from datetime import timedelta

from cronicorn_domain.model.rules import RuleSet
from cronicorn_management.settings import RuleSetting, rule_setting_of

from cronicorn_api.rules.schemas import RuleBody, RuleGiven, ThenBody
from cronicorn_api.wire.values import in_milliseconds, in_milliseconds_if_any, length_of


def rules_from(given: Sequence[RuleGiven]) -> tuple[RuleSetting, ...]:
    """Read rules, in their order."""
    return tuple(_rule_from(each) for each in given)


def rule_bodies(rules: RuleSet) -> list[RuleBody]:
    """Show rules, in their order."""
    return [_rule_body(rule_setting_of(each)) for each in rules.rules]


def _rule_from(given: RuleGiven) -> RuleSetting:
    then = given.then
    return RuleSetting(
        when=given.when,
        every=_length(then.every_ms),
        run_in=_length(then.run_in_ms),
        pause_for=_length(then.pause_for_ms),
        trigger=tuple(then.trigger),
        clear=then.clear,
        notify=then.notify,
        analyze=then.analyze,
        life=_length(given.for_ms),
        cooldown=_length(given.cooldown_ms),
        reason=given.reason,
    )


def _rule_body(rule: RuleSetting) -> RuleBody:
    return RuleBody(
        when=rule.when,
        then=ThenBody(
            every_ms=in_milliseconds_if_any(rule.every),
            run_in_ms=in_milliseconds_if_any(rule.run_in),
            pause_for_ms=in_milliseconds_if_any(rule.pause_for),
            trigger=list(rule.trigger) or None,
            clear=rule.clear or None,
            notify=rule.notify or None,
            analyze=rule.analyze or None,
        ),
        for_ms=in_milliseconds(rule.life or timedelta()),
        cooldown_ms=in_milliseconds_if_any(rule.cooldown),
        reason=rule.reason,
    )


def _length(count: int | None) -> timedelta | None:
    return None if count is None else length_of(count)
