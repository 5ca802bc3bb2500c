"""Two versions of an endpoint's rules side by side, and what is taken of which."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from cronicorn_api.pages.editing.views import Difference
from cronicorn_api.pages.rules.typed import RulesTyped, RuleTyped

_TEXTS: Final[Mapping[str, str]] = {
    "when": "When",
    "every": "Run every",
    "run_in": "Run once in",
    "pause_for": "Pause for",
    "trigger": "Trigger siblings",
    "life": "Hint lives for",
    "cooldown": "Not again for",
    "reason": "Reason",
}
_SWITCHES: Final[Mapping[str, str]] = {
    "clear": "Clear hints",
    "notify": "Tell people",
    "analyze": "Ask AI",
}
_SHADOW: Final = "shadow"
_GONE: Final = "gone"
_ADDED: Final = "added"


def rule_differences(yours: RulesTyped, theirs: RulesTyped) -> Sequence[Difference]:
    """
    Compare two versions field by field, as they are typed.

    Rules are told apart by their places in what you began with. A rule that you remove is not
    compared: that is your choice, and it stands in the form.
    """
    return [*_of_shadow(yours, theirs), *_of_rules(yours, theirs), *_of_added(yours, theirs)]


def with_theirs(yours: RulesTyped, theirs: RulesTyped, names: Collection[str]) -> RulesTyped:
    """Return your version with theirs of what ``names`` has: the names of differences."""
    if not names:
        return yours
    rules = [_taken(number, each, theirs, names) for number, each in enumerate(yours.rules)]
    rules += [each for each in theirs.rules if f"{_ADDED}-{each.was}" in names]
    shadow = theirs.shadow if _SHADOW in names else yours.shadow
    return replace(yours, rules=rules, shadow=shadow)


def _of_shadow(yours: RulesTyped, theirs: RulesTyped) -> Iterator[Difference]:
    if yours.shadow != theirs.shadow:
        yield Difference(
            name=_SHADOW,
            label="Only watch",
            yours=_ticked(yours.shadow),
            theirs=_ticked(theirs.shadow),
        )


def _of_rules(yours: RulesTyped, theirs: RulesTyped) -> Iterator[Difference]:
    for number, rule in yours.kept:
        if not rule.was:
            continue
        label = f"Rule {number + 1}"
        other = _stored(rule, theirs)
        if other is None:
            yield Difference(
                name=f"{_GONE}-{number}", label=label, yours="kept", theirs="removed meanwhile"
            )
            continue
        for name, word, own, their in _fields(rule, other):
            if own.strip() != their.strip():
                yield Difference(
                    name=f"{name}-{number}", label=f"{label}, {word}", yours=own, theirs=their
                )


def _of_added(yours: RulesTyped, theirs: RulesTyped) -> Iterator[Difference]:
    known = {each.was for each in yours.rules}
    for each in theirs.rules:
        if each.was not in known:
            yield Difference(
                name=f"{_ADDED}-{each.was}",
                label="A rule of theirs",
                yours="",
                theirs=", ".join(
                    f"{word.lower()} {text}" for _, word, text, _ in _fields(each, each) if text
                ),
            )


def _fields(one: RuleTyped, other: RuleTyped) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, word and both texts of each field."""
    for name, word in _TEXTS.items():
        yield name, word, getattr(one, name), getattr(other, name)
    for name, word in _SWITCHES.items():
        yield name, word, _ticked(getattr(one, name)), _ticked(getattr(other, name))


def _taken(number: int, rule: RuleTyped, theirs: RulesTyped, names: Collection[str]) -> RuleTyped:
    if f"{_GONE}-{number}" in names:
        return replace(rule, removed=True)
    other = _stored(rule, theirs)
    if other is None:
        return rule
    wanted = [name for name in (*_TEXTS, *_SWITCHES) if f"{name}-{number}" in names]
    return replace(rule, **{name: getattr(other, name) for name in wanted})


def _stored(rule: RuleTyped, theirs: RulesTyped) -> RuleTyped | None:
    return next((each for each in theirs.rules if each.was == rule.was), None)


def _ticked(switch: bool) -> str:  # noqa: FBT001  one of two words
    return "yes" if switch else ""
