"""Says which rules have acted, from what was granted."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cronicorn_domain.model.hint import IntervalHint, OneShotHint
from cronicorn_domain.model.rules import (
    Action,
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RunIn,
    TriggerSibling,
)
from cronicorn_domain.model.rulings import Rest
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.ruling import action_in_words


def acted(
    held: Sequence[tuple[int, EndpointRule]],
    change: Change,
    *,
    resting: Sequence[Rest],
    at: datetime,
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """
    Give each rule that has done something, by its number, and what it has done, in words.

    ``resting`` are those that rested when the run ended, ``at``. Of one kind the first is heard.
    """
    keys = {each.key for each in resting if each.until > at}
    heard: set[object] = set()
    for number, rule in held:
        if rule.key in keys:
            continue
        done = []
        for action in rule.then:
            kind = action if isinstance(action, TriggerSibling) else type(action)
            quiet = isinstance(action, Notify | Analyze) and rule.told_key in keys
            if quiet or not _was_granted(action, change):
                continue
            if kind not in heard or isinstance(action, ClearHints | Notify | Analyze):
                done.append(action_in_words(action))
            heard.add(kind)
        if done:
            yield number, tuple(done)


def _was_granted(action: Action, change: Change) -> bool:
    match action:
        case Every():
            return any(isinstance(each, IntervalHint) for each in change.hints)
        case RunIn():
            return any(isinstance(each, OneShotHint) for each in change.hints)
        case PauseFor():
            return change.pause is not None
        case TriggerSibling(name):
            return any(each.name == name for each in change.siblings)
        case ClearHints():
            return bool(change.cleared)
        case Notify():
            return change.notice is not None
        case Analyze():
            return change.analysis is not None
