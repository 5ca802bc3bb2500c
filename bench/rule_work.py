"""
Rules as people write them: none holds of the target's answers, or the last one does.

The one that holds asks for the interval that the endpoint has already. So it is granted, written
and planned from as any other, and the work stays what it was.
"""

from datetime import timedelta
from typing import Final

from cronicorn_domain.model.rules import NO_RULES, EndpointRule, Every, RuleSet

_CONDITIONS: Final = (
    "body.queue.waiting > 100",
    "status >= 500",
    "durationMs > 5000",
    "body.items.size() > 100000",
    "headers['x-load'] == 'high'",
    "body.queue.waiting > 10 && status == 200",
    "body.items[0].price > 1000.0",
    "body.items[0].tags.exists(tag, tag == 'urgent')",
    "body.items[0].name.startsWith('overflow')",
    "now.getHours() > 30",
)
_HOLDS: Final = "status == 200 && body.queue.waiting > 2"


def conditions(count: int = 10, *, holds: bool = False) -> list[str]:
    """Return so many, ten at most, all about the answer alone; with ``holds`` the last one does."""
    if holds and count:
        return [*_CONDITIONS[: count - 1], _HOLDS]
    return [*_CONDITIONS[:count]]


def rules_of(count: int, *, holds: bool, every: timedelta) -> RuleSet:
    """Return so many rules, ten at most, which ask for the interval that there is."""
    if not count:
        return NO_RULES
    return RuleSet(
        rules=tuple(
            EndpointRule(when=each, then=(Every(every),)) for each in conditions(count, holds=holds)
        )
    )
