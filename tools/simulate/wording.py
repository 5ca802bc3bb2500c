"""Deeds, troubles and endpoints in English."""

from collections.abc import Set as AbstractSet
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from cronicorn_domain.instants import OPEN_ENDED, iso_milliseconds
from cronicorn_domain.model.endpoint import Bounds, Endpoint, Guardrails, Heeds, Misfire, Retry
from cronicorn_domain.model.hint import Hint, IntervalHint, TriggerKind
from cronicorn_domain.policies.ruling import rule_in_words
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.wording import length_in_words

from tools.simulate.deeds import (
    Act,
    ArchiveEndpoint,
    ArchiveJob,
    ClearHints,
    Edit,
    Fire,
    OfferHint,
    PauseEndpoint,
    PauseJob,
    ResetFailures,
    RestoreEndpoint,
    RestoreJob,
    ResumeEndpoint,
    ResumeJob,
    SkipSlot,
)
from tools.simulate.troubles import Trouble

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OPTIONAL = (
    "guardrails",
    "bounds",
    "jitter",
    "misfire",
    "retry",
    "delivery",
    "heeds",
    "success_when",
)


PLAIN = {
    ResumeEndpoint: "a person resumes it",
    ArchiveEndpoint: "a person archives it",
    RestoreEndpoint: "a person restores it",
    ResetFailures: "a person resets its failures",
    SkipSlot: "a person skips its next slot",
    PauseJob: "a person pauses the job",
    ResumeJob: "a person resumes the job",
    ArchiveJob: "a person archives the job",
    RestoreJob: "a person restores the job",
}


def in_words(act: Act) -> str:
    """Say what is done."""
    match act:
        case Edit():
            return f"a person sets {_members(act, but={'endpoint_id'})}"
        case OfferHint(hint=hint):
            return f"a hint is written: {hint_in_words(hint)}"
        case ClearHints(newest_only=newest_only):
            return f"a person clears {'the newest hint' if newest_only else 'all hints'}"
        case Fire(trigger=trigger):
            by_hand = trigger.kind is TriggerKind.MANUAL
            return "a person asks for a run now" if by_hand else "a sibling triggers a run"
        case PauseEndpoint(pause=pause):
            until = "until resumed" if pause.until >= OPEN_ENDED else f"until {_time(pause.until)}"
            return f"a person pauses it {until}"
        case _:
            return PLAIN[type(act)]


def hint_in_words(hint: Hint) -> str:
    """Say what a hint proposes."""
    what = f"every {hint.every}" if isinstance(hint, IntervalHint) else f"once at {_time(hint.at)}"
    return f"{hint.author} proposes {what}, until {_time(hint.expires_at)}"


def endpoint_in_words(endpoint: Endpoint) -> str:
    """Say what is remarkable about an endpoint."""
    usual = {each.name: each.default for each in fields(Endpoint)}
    marks = [
        f"{name} {_value(value)}"
        for name in OPTIONAL
        if (value := getattr(endpoint, name)) != usual[name]
    ]
    rules = [rule_in_words(rule) for rule in endpoint.rules.rules]
    if rules:
        marks.append(
            f"{'in the shadow ' if endpoint.rules.shadow else ''}rules: {'; '.join(rules)}"
        )
    return ", ".join([schedule_in_words(endpoint.schedule), *marks])


def schedule_in_words(schedule: Schedule) -> str:
    """Say when a schedule fires."""
    match schedule:
        case CronSchedule(expression=expression, timezone=timezone):
            policies = [f"{each}" for each in (schedule.gap, schedule.repeat) if each]
            return " ".join([f"cron {expression.text!r} in {timezone}", *policies])
        case IntervalSchedule(every=every):
            return f"every {length_in_words(every)}"
        case _:
            return f"once at {_time(schedule.at)}"


def trouble_in_words(trouble: Trouble) -> str:
    """Name a trouble, and all that is known of it."""
    return f"{type(trouble).__name__}, {_members(trouble, but={'name', 'after'})}"


def _members(value: "DataclassInstance", *, but: AbstractSet[str] = frozenset()) -> str:
    """Name the members that have a value."""
    told = [(each.name, getattr(value, each.name)) for each in fields(value)]
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(part)}"
        for name, part in told
        if name not in but and part is not None
    )


def _value(value: object) -> str:
    match value:
        case CronSchedule() | IntervalSchedule() | OnceSchedule():
            return schedule_in_words(value)
        case datetime():
            return _time(value)
        case frozenset():
            return "/".join(sorted(map(str, value)))
        case Guardrails() | Bounds() | Misfire() | Retry() | Heeds():
            return f"({_members(value)})"
        case _:
            return str(value)


def _time(instant: datetime) -> str:
    return iso_milliseconds(instant)
