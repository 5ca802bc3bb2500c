"""What is typed in the form of rules: read as settings, and kept as it was typed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_management.settings import EndpointSettings, RuleSetting

from cronicorn_api.pages.editing.lengths import length_in
from cronicorn_api.pages.frame.forms import Lists
from cronicorn_api.pages.frame.shapes import interval
from cronicorn_api.pages.frame.told import Fault, Faults, faults_of

LENGTHS: Final = ("every", "run_in", "pause_for", "life", "cooldown")
_TEXTS: Final = ("when", *LENGTHS, "trigger", "reason")
_SWITCHES: Final = ("clear", "notify", "analyze")
_RULES_MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTyped:
    """
    A rule as it was typed.

    Attributes:
        was: Which of the stored rules it was, from 0; empty: it is new. What of that has no field
            here stays.
        removed: It is to go.
    """

    when: str = ""
    every: str = ""
    run_in: str = ""
    pause_for: str = ""
    trigger: str = ""
    clear: bool = False
    notify: bool = False
    analyze: bool = False
    life: str = ""
    cooldown: str = ""
    reason: str = ""
    was: str = ""
    removed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is typed in it, so that it is no rule."""
        ticked = self.clear or self.notify or self.analyze
        return not (self.was or ticked or any(getattr(self, name).strip() for name in _TEXTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesTyped:
    """All rules as they were typed, whether they only watch, and which version was edited."""

    rules: Sequence[RuleTyped]
    shadow: bool
    seen: str

    @property
    def kept(self) -> Sequence[tuple[int, RuleTyped]]:
        """Those that are to be saved, with their places in the form."""
        return [
            (number, each)
            for number, each in enumerate(self.rules)
            if not each.is_empty and not each.removed
        ]


def rules_typed_in(form: Lists) -> RulesTyped:
    """Keep what a form holds."""
    count = min(len(form.get("when", [])), _RULES_MOST)
    ticked = {name: frozenset(form.get(name, [])) for name in (*_SWITCHES, "remove")}

    def text(name: str, number: int) -> str:
        given = form.get(name, [])
        return given[number] if number < len(given) else ""

    rules = [
        RuleTyped(
            when=text("when", number),
            every=text("every", number),
            run_in=text("run_in", number),
            pause_for=text("pause_for", number),
            trigger=text("trigger", number),
            life=text("life", number),
            cooldown=text("cooldown", number),
            reason=text("reason", number),
            was=text("was", number),
            clear=str(number) in ticked["clear"],
            notify=str(number) in ticked["notify"],
            analyze=str(number) in ticked["analyze"],
            removed=str(number) in ticked["remove"],
        )
        for number in range(count)
    ]
    shadow = form.get("shadow", [""])[-1] == "yes"
    return RulesTyped(rules=rules, shadow=shadow, seen=form.get("seen", [""])[-1])


def rules_typed_of(settings: EndpointSettings, *, seen: str) -> RulesTyped:
    """Type the rules that stand."""
    return RulesTyped(
        rules=[_typed(number, each) for number, each in enumerate(settings.rules)],
        shadow=bool(settings.shadow_rules),
        seen=seen,
    )


def rules_in(
    typed: RulesTyped, stands: Sequence[RuleSetting]
) -> tuple[tuple[RuleSetting, ...], Faults]:
    """Read the rules, and say at which fields something cannot be read."""
    faults: list[Fault] = []
    rules = [_read(number, each, stands, faults) for number, each in typed.kept]
    return tuple(rules), Faults(faults)


def faults_at(error: InvalidInput, typed: RulesTyped) -> Faults:
    """Tell a refusal at the fields of the form, whose places count what was left out."""
    places = [number for number, _ in typed.kept]

    def placed(path: str) -> str:
        _, _, rest = path.partition(".")
        number, _, member = rest.partition(".")
        if number.isdigit() and int(number) < len(places):
            return f"{member or 'when'}-{places[int(number)]}"
        return ""

    return Faults(
        Fault(field=placed(each.field), message=each.message) for each in faults_of(error)
    )


def _read(
    number: int, typed: RuleTyped, stands: Sequence[RuleSetting], faults: list[Fault]
) -> RuleSetting:
    lengths: dict[str, Any] = {}
    for name in LENGTHS:
        try:
            lengths[name] = partial(length_in, field=f"{name}-{number}")(getattr(typed, name))
        except InvalidInput as error:
            faults += faults_of(error)
    was = typed.was
    base = stands[int(was)] if was.isdigit() and int(was) < len(stands) else RuleSetting(when="")
    names = typed.trigger.replace("\n", ",").split(",")
    return replace(
        base,
        when=typed.when.strip(),
        trigger=tuple(each.strip() for each in names if each.strip()),
        clear=typed.clear,
        notify=typed.notify,
        analyze=typed.analyze,
        reason=typed.reason.strip() or None,
        **lengths,
    )


def _typed(number: int, rule: RuleSetting) -> RuleTyped:
    return RuleTyped(
        when=rule.when,
        every=_shown(rule.every),
        run_in=_shown(rule.run_in),
        pause_for=_shown(rule.pause_for),
        trigger=", ".join(rule.trigger),
        clear=rule.clear,
        notify=rule.notify,
        analyze=rule.analyze,
        life=_shown(rule.life),
        cooldown=_shown(rule.cooldown),
        reason=rule.reason or "",
        was=str(number),
    )


def _shown(length: timedelta | None) -> str:
    return "" if length is None else interval(length)
