"""Why a run was planned, in a word or two, as lists and drawings have room for."""

from collections.abc import Mapping
from typing import Final

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.hint import Author

_WORDS: Final[Mapping[Source, str]] = {
    Source.BASELINE_CRON: "schedule",
    Source.BASELINE_INTERVAL: "schedule",
    Source.BASELINE_ONCE: "schedule",
    Source.API_INTERVAL: "interval by a person",
    Source.API_ONESHOT: "once by a person",
    Source.RULE_INTERVAL: "interval by a rule",
    Source.RULE_ONESHOT: "once by a rule",
    Source.AI_INTERVAL: "interval by AI",
    Source.AI_ONESHOT: "once by AI",
    Source.RESPONSE_INTERVAL: "interval by the response",
    Source.RESPONSE_ONESHOT: "once by the response",
    Source.CLAMPED_MIN: "held back by the shortest",
    Source.CLAMPED_MAX: "pulled in by the longest",
    Source.MANUAL: "by hand",
    Source.TRIGGER: "triggered",
    Source.RETRY: "retry",
    Source.CATCH_UP: "catch-up",
    Source.TEST: "test",
}
_AUTHORS: Final[Mapping[Author, str]] = {
    Author.API: "a person",
    Author.RULE: "a rule",
    Author.AI: "AI",
    Author.RESPONSE: "the response",
}
SCHEDULED: Final = frozenset(
    {Source.BASELINE_CRON, Source.BASELINE_INTERVAL, Source.BASELINE_ONCE, Source.CATCH_UP}
)
"""What the schedule alone has planned; everything else was adapted to something."""


def source_words(source: Source) -> str:
    """Name the rule that won."""
    return _WORDS[source]


def author_words(author: Author) -> str:
    """Name who proposed a hint."""
    return _AUTHORS[author]
