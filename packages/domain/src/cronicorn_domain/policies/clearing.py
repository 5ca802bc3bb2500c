"""Hints are cleared: what is planned without them."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import HintId
from cronicorn_domain.model.hint import IntervalHint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.replanning import replan


def without_hints(situation: Situation, cleared: Collection[HintId]) -> Situation:
    """Return the situation that is left when these hints are over."""
    kept = tuple(hint for hint in situation.hints if hint.id not in cleared)
    return replace(situation, hints=kept)


def clear(situation: Situation, cleared: Collection[HintId], now: datetime) -> Change:
    """
    Plan again without the hints that are cleared at ``now``.

    Single runs go first: what takes the place of one whose instant has come lies behind that
    instant, when the interval hints that are cleared with it still held.
    """
    intervals = {hint.id for hint in situation.hints if isinstance(hint, IntervalHint)}
    single = without_hints(situation, set(cleared) - intervals)
    first = replan(single, now)
    left = replace(without_hints(single, cleared), state=first.state)
    second = replan(left, now)
    return replace(second, records=(*first.records, *second.records))
