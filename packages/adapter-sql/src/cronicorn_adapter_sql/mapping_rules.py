"""Rules and the rest they take after they have acted, as JSON text in columns of their own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

import orjson
from cronicorn_domain.model.rules import (
    NO_RULES,
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
from cronicorn_domain.model.rulings import Rest

from cronicorn_adapter_sql.lengths import from_microseconds, to_microseconds


def text_of_rules(rules: RuleSet) -> str | None:
    """Write rules; none are null."""
    if rules == NO_RULES:
        return None
    document = {"shadow": rules.shadow, "rules": [_document_of(each) for each in rules.rules]}
    return orjson.dumps(document).decode()


def rules_from(text: str | None) -> RuleSet:
    """Read rules."""
    if text is None:
        return NO_RULES
    document = orjson.loads(text)
    rules = tuple(_rule_from(each) for each in document["rules"])
    return RuleSet(rules=rules, shadow=document["shadow"])


def text_of_rests(resting: Sequence[Rest]) -> str | None:
    """Write which rules rest; none of them is null."""
    if not resting:
        return None
    return orjson.dumps([[each.key, each.until.isoformat()] for each in resting]).decode()


def rests_from(text: str | None) -> tuple[Rest, ...]:
    """Read which rules rest."""
    if text is None:
        return ()
    return tuple(Rest(key, datetime.fromisoformat(until)) for key, until in orjson.loads(text))


def _document_of(rule: EndpointRule) -> Mapping[str, Any]:
    return {
        "when": rule.when,
        "then": [_action_written(each) for each in rule.then],
        "life": to_microseconds(rule.life),
        "cooldown": to_microseconds(rule.cooldown),
        "reason": rule.reason,
    }


def _rule_from(document: Mapping[str, Any]) -> EndpointRule:
    return EndpointRule(
        when=document["when"],
        then=tuple(_action_from(name, value) for name, value in document["then"]),
        life=from_microseconds(document["life"]),
        cooldown=from_microseconds(document["cooldown"]),
        reason=document["reason"],
    )


def _action_written(action: Action) -> tuple[str, int | str | None]:
    match action:
        case Every(interval):
            return "every", to_microseconds(interval)
        case RunIn(delay):
            return "run_in", to_microseconds(delay)
        case PauseFor(length):
            return "pause_for", to_microseconds(length)
        case TriggerSibling(name):
            return "trigger", name
        case ClearHints():
            return "clear", None
        case Notify():
            return "notify", None
        case Analyze():
            return "analyze", None
        case _:
            assert_never(action)


def _action_from(name: str, value: Any) -> Action:
    match name:
        case "every":
            return Every(_length(value))
        case "run_in":
            return RunIn(_length(value))
        case "pause_for":
            return PauseFor(_length(value))
        case "trigger":
            return TriggerSibling(value)
        case "clear":
            return ClearHints()
        case "notify":
            return Notify()
        case "analyze":
            return Analyze()
        case _:
            raise ValueError(f"{name!r} is no action of a rule")


def _length(value: int) -> timedelta:
    return from_microseconds(value)
