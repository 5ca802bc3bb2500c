"""Rules as people write them, none of which holds of the target's answers."""

from datetime import timedelta
from typing import Final

from cronicorn_domain.model.rules import NO_RULES, EndpointRule, Every, RuleSet

_EVERY: Final = timedelta(seconds=30)
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


def conditions() -> list[str]:
    """Return ten of them, all about the answer alone."""
    return [*_CONDITIONS]


def rules_of(count: int) -> RuleSet:
    """Return so many rules, ten at most."""
    if not count:
        return NO_RULES
    return RuleSet(
        rules=tuple(EndpointRule(when=each, then=(Every(_EVERY),)) for each in _CONDITIONS[:count])
    )
