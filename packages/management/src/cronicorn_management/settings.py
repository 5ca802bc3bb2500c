"""An endpoint as people give it: flat, each member by itself, None where nothing was said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict, assert_never

from cronicorn_domain.model.endpoint import Delivery, Endpoint, Method, MisfirePolicy
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.rules import (
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RunIn,
    TriggerSibling,
)
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule

SCHEDULES: Final = ("every", "cron", "at")
CRON_ONLY: Final = ("timezone", "gap", "repeat")
RECURRING_ONLY: Final = ("min", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderSetting:
    """
    A header as it is given.

    ``secret``: None leaves it as it stands, at first not secret. The value of a secret one may be
    the mask that is read in its place: then the value stands, too.
    """

    name: str
    value: str
    secret: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetting:
    """
    A rule as it is given: a condition, and at least one thing to do.

    ``life``: so long what it hints at lives; None: an hour.
    """

    when: str
    every: timedelta | None = None
    run_in: timedelta | None = None
    pause_for: timedelta | None = None
    trigger: tuple[str, ...] = ()
    clear: bool = False
    notify: bool = False
    analyze: bool = False
    life: timedelta | None = None
    cooldown: timedelta | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Everything that is said of an endpoint; what was not said has its default."""

    name: str
    url: str
    description: str | None = None
    method: Method | None = None
    headers: tuple[HeaderSetting, ...] = ()
    body: str | None = None
    every: timedelta | None = None
    cron: str | None = None
    at: datetime | None = None
    timezone: str | None = None
    gap: GapPolicy | None = None
    repeat: RepeatPolicy | None = None
    min: timedelta | None = None
    max: timedelta | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_runs: int | None = None
    jitter: timedelta | None = None
    misfire_policy: MisfirePolicy | None = None
    misfire_grace: timedelta | None = None
    catch_up_limit: int | None = None
    retry_attempts: int | None = None
    retry_backoff: timedelta | None = None
    retry_backoff_most: timedelta | None = None
    delivery: Delivery | None = None
    timeout: timedelta | None = None
    max_execution_time: timedelta | None = None
    max_response_size: int | None = None
    redirects: int | None = None
    response_hints: bool | None = None
    pause_when_gone: bool | None = None
    signing: Signing | None = None
    success_when: str | None = None
    rules: tuple[RuleSetting, ...] = ()
    shadow_rules: bool | None = None
    ai_mode: AiMode | None = None
    ai_model: str | None = None


class EndpointChanges(TypedDict, total=False):
    """Some members of an endpoint: one that is absent stays, and None clears."""

    name: str
    url: str
    description: str | None
    method: Method | None
    headers: tuple[HeaderSetting, ...]
    body: str | None
    every: timedelta | None
    cron: str | None
    at: datetime | None
    timezone: str | None
    gap: GapPolicy | None
    repeat: RepeatPolicy | None
    min: timedelta | None
    max: timedelta | None
    starts_at: datetime | None
    ends_at: datetime | None
    max_runs: int | None
    jitter: timedelta | None
    misfire_policy: MisfirePolicy | None
    misfire_grace: timedelta | None
    catch_up_limit: int | None
    retry_attempts: int | None
    retry_backoff: timedelta | None
    retry_backoff_most: timedelta | None
    delivery: Delivery | None
    timeout: timedelta | None
    max_execution_time: timedelta | None
    max_response_size: int | None
    redirects: int | None
    response_hints: bool | None
    pause_when_gone: bool | None
    signing: Signing | None
    success_when: str | None
    rules: tuple[RuleSetting, ...]
    shadow_rules: bool | None
    ai_mode: AiMode | None
    ai_model: str | None


def settings_of(endpoint: Endpoint) -> EndpointSettings:
    """Return what would have to be said to make the endpoint what it is."""
    request, bounds, misfire = endpoint.request, endpoint.bounds, endpoint.misfire
    return EndpointSettings(
        name=endpoint.name,
        description=endpoint.description,
        url=request.url,
        method=request.method,
        headers=tuple(
            HeaderSetting(name=each.name, value=each.value, secret=each.secret)
            for each in request.headers
        ),
        body=request.body,
        **_schedule_members(endpoint.schedule),
        min=endpoint.guardrails.shortest,
        max=endpoint.guardrails.longest,
        starts_at=bounds.starts_at,
        ends_at=bounds.ends_at,
        max_runs=bounds.max_runs,
        jitter=endpoint.jitter,
        misfire_policy=misfire.policy,
        misfire_grace=misfire.grace,
        catch_up_limit=misfire.catch_up_limit,
        retry_attempts=endpoint.retry.attempts,
        retry_backoff=endpoint.retry.backoff,
        retry_backoff_most=endpoint.retry.backoff_most,
        delivery=endpoint.delivery,
        timeout=endpoint.limits.timeout,
        max_execution_time=endpoint.limits.execution,
        max_response_size=endpoint.limits.response_size,
        redirects=endpoint.limits.redirects,
        response_hints=endpoint.heeds.hints,
        pause_when_gone=endpoint.heeds.gone,
        signing=endpoint.signing,
        success_when=endpoint.success_when,
        rules=tuple(rule_setting_of(each) for each in endpoint.rules.rules),
        shadow_rules=endpoint.rules.shadow,
        ai_mode=endpoint.planning.mode,
        ai_model=endpoint.planning.model,
    )


def rule_setting_of(rule: EndpointRule) -> RuleSetting:
    """Return what would have to be said to make the rule what it is."""
    lengths: dict[str, timedelta] = {}
    for action in rule.then:
        match action:
            case Every(interval):
                lengths["every"] = interval
            case RunIn(delay):
                lengths["run_in"] = delay
            case PauseFor(length):
                lengths["pause_for"] = length
            case TriggerSibling() | ClearHints() | Notify() | Analyze():
                pass
            case _:
                assert_never(action)
    return RuleSetting(
        when=rule.when,
        **lengths,
        trigger=tuple(each.name for each in rule.then if isinstance(each, TriggerSibling)),
        clear=ClearHints() in rule.then,
        notify=Notify() in rule.then,
        analyze=Analyze() in rule.then,
        life=rule.life,
        cooldown=rule.cooldown,
        reason=rule.reason,
    )


def changed(settings: EndpointSettings, changes: EndpointChanges) -> EndpointSettings:
    """
    Return the settings after an edit.

    A schedule that is set replaces the one there was, and what only that one could have; trap T12.
    """
    given: dict[str, Any] = dict(changes)
    chosen = [name for name in SCHEDULES if given.get(name) is not None]
    if chosen:
        replaced = {*SCHEDULES} - {*chosen}
        if "cron" not in chosen:
            replaced |= {*CRON_ONLY}
        if chosen == ["at"]:
            replaced |= {*RECURRING_ONLY}
        given = dict.fromkeys(replaced) | given
    return replace(settings, **given)


def _schedule_members(schedule: Schedule) -> Mapping[str, Any]:
    match schedule:
        case CronSchedule(expression=expression, timezone=timezone, gap=gap, repeat=repeat):
            return {"cron": expression.text, "timezone": timezone, "gap": gap, "repeat": repeat}
        case IntervalSchedule(every=every):
            return {"every": every}
        case OnceSchedule(at=at):
            return {"at": at}
        case _:
            assert_never(schedule)
