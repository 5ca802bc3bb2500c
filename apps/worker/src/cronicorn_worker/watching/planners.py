"""Who has planned runs, as people are told: the schedule itself, or what adapts it."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from cronicorn_domain.model.decision import Source

BY_SCHEDULE: Final = "schedule"
_OTHERS: Final[Mapping[Source, str]] = {
    Source.API_INTERVAL: "hints by hand",
    Source.API_ONESHOT: "hints by hand",
    Source.RULE_INTERVAL: "rules",
    Source.RULE_ONESHOT: "rules",
    Source.AI_INTERVAL: "the planner",
    Source.AI_ONESHOT: "the planner",
    Source.RESPONSE_INTERVAL: "targets",
    Source.RESPONSE_ONESHOT: "targets",
    Source.MANUAL: "hand",
    Source.TRIGGER: "siblings",
    Source.RETRY: "retries",
}
"""Guardrails and slots that are caught up are the schedule's."""


def by_planner(planned_by: Counter[Source]) -> Counter[str]:
    """Return how many runs each has planned."""
    counts: Counter[str] = Counter()
    for source, count in planned_by.items():
        counts[_OTHERS.get(source, BY_SCHEDULE)] += count
    return counts


def planners_in_words(planned_by: Counter[Source], *, adapted_only: bool = False) -> str:
    """Tell them, the one that planned most first: ``40 by schedule, 12 by rules``."""
    counts = by_planner(planned_by)
    if adapted_only:
        del counts[BY_SCHEDULE]
    return ", ".join(f"{count} by {name}" for name, count in counts.most_common())
