"""The editor of rules, as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidExpression, InvalidInput
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_management.conditions import Conditions

from cronicorn_api.pages.editing.views import Difference
from cronicorn_api.pages.frame.told import NO_FAULTS, Faults, sentence
from cronicorn_api.pages.rules.replays import ReplayView
from cronicorn_api.pages.rules.typed import RulesTyped, RuleTyped

EXAMPLES: Final = (
    ("Poll faster while a queue is long", "body.queue.depth > 100", "every 30 s"),
    ("Slow down when nothing happens", "body.items.size() == 0", "every 15 min"),
    ("Leave a target alone that fails", "failures >= 5", "pause for 10 min"),
)

WINDOWS: Final = {
    "1h": ("hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
"""Over what rules can be replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """
    What is to be said of a condition.

    Attributes:
        number: Its place in the form, from 0.
        message: What is wrong; empty: it can be meant.
        line: The line of it that is at fault, and ``caret`` what points at the place.
    """

    number: int
    message: str = ""
    line: str = ""
    caret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView:
    """The page."""

    endpoint: Endpoint
    typed: RulesTyped
    rows: Sequence[tuple[int, RuleTyped]]
    checked: Sequence[Checked]
    faults: Faults = NO_FAULTS
    examples: Sequence[tuple[str, str, str]] = EXAMPLES
    replay: ReplayView | None = None
    differences: Sequence[Difference] = ()
    window: str = "24h"
    windows: Sequence[tuple[str, str]] = tuple((name, word) for name, (word, _) in WINDOWS.items())


def rules_view(
    endpoint: Endpoint,
    typed: RulesTyped,
    conditions: Conditions,
    faults: Faults = NO_FAULTS,
    *,
    replay: ReplayView | None = None,
    differences: Sequence[Difference] = (),
    window: str = "24h",
) -> RulesView:
    """Tell of an endpoint's rules, with room for one more."""
    rows = [*typed.rules]
    if not rows or not rows[-1].is_empty:
        rows.append(RuleTyped())
    return RulesView(
        endpoint=endpoint,
        typed=typed,
        rows=list(enumerate(rows)),
        checked=check(typed, conditions),
        faults=faults,
        replay=replay,
        differences=differences,
        window=window,
    )


def check(typed: RulesTyped, conditions: Conditions) -> Sequence[Checked]:
    """Check every condition, and point at what is wrong with it."""
    return [_checked(number, each.when, conditions) for number, each in typed.kept]


def _checked(number: int, when: str, conditions: Conditions) -> Checked:
    text = when.strip()
    if not text:
        return Checked(number=number, message="There is no condition yet.")
    try:
        conditions.check(text)
    except InvalidExpression as error:
        lines = text.splitlines()
        at = (error.line or 1) - 1
        line = lines[at] if at < len(lines) else text
        caret = "" if error.column is None else " " * (error.column - 1) + "^"
        return Checked(number=number, message=_told(error), line=line, caret=caret)
    except InvalidInput as error:
        return Checked(number=number, message=_told(error))
    return Checked(number=number)


def _told(error: InvalidInput) -> str:
    return " ".join(sentence(each.message) for each in error.issues)
