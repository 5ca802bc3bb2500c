"""Rules on the wire."""

from typing import Annotated

from pydantic import Field

from cronicorn_api.wire.values import Maybe, Milliseconds, Wire

NAMES_MOST = 100
"""No rule names more siblings."""


class ThenGiven(Wire):
    """What a rule is to do; at least one of them."""

    every_ms: Milliseconds | None = None
    run_in_ms: Milliseconds | None = None
    pause_for_ms: Milliseconds | None = None
    trigger: Annotated[list[str], Field(max_length=NAMES_MOST, default_factory=list)]
    clear: bool = False
    notify: bool = False
    analyze: bool = False


class RuleGiven(Wire):
    """When an answer says something, do something."""

    when: str
    then: ThenGiven
    for_ms: Milliseconds | None = None
    cooldown_ms: Milliseconds | None = None
    reason: str | None = None


class RulesGiven(Wire):
    """All rules of an endpoint, in their order; with ``shadow`` they only tell what they would."""

    rules: list[RuleGiven]
    shadow: bool = False


class ThenBody(Wire):
    """What a rule does."""

    every_ms: Maybe[int] = None
    run_in_ms: Maybe[int] = None
    pause_for_ms: Maybe[int] = None
    trigger: Maybe[list[str]] = None
    clear: Maybe[bool] = None
    notify: Maybe[bool] = None
    analyze: Maybe[bool] = None


class RuleBody(Wire):
    """When an answer says something, do something."""

    when: str
    then: ThenBody
    for_ms: int
    cooldown_ms: Maybe[int] = None
    reason: Maybe[str] = None
