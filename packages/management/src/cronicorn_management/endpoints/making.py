"""Makes the domain's values of what is said of an endpoint."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import DEFAULT_TENANT, JobId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Guardrails,
    Header,
    Heeds,
    HttpRequest,
    Limits,
    Method,
    Misfire,
    Retry,
)
from cronicorn_domain.model.planning import NO_PLANNING, AiMode, Planning
from cronicorn_domain.model.rules import NO_RULES
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule

from cronicorn_management.attempts import Attempts
from cronicorn_management.conditions import Conditions
from cronicorn_management.endpoints.configuration import Configuration
from cronicorn_management.endpoints.ruling import rule_set
from cronicorn_management.masking import MASK
from cronicorn_management.settings import (
    CRON_ONLY,
    RECURRING_ONLY,
    EndpointSettings,
    HeaderSetting,
)

_ValueT = TypeVar("_ValueT")
_MISFIRE_MEMBERS: Final = ("misfire", "misfire_policy", "misfire_grace", "catch_up_limit")
_RETRY_MEMBERS: Final = ("retry", "retry_attempts", "retry_backoff", "retry_backoff_most")
_LIMITS_MEMBERS: Final = ("timeout", "max_execution_time", "max_response_size", "redirects")
_MISFIRE: Final = Misfire()
_RETRY: Final = Retry()
_LIMITS: Final = Limits()
# Stand in for parts at fault, so that the rest can be judged.
_ANY_REQUEST: Final = HttpRequest(url="http://unknown.invalid/")
_ANY_SCHEDULE: Final = IntervalSchedule(every=timedelta(hours=1))
_ANY_EXPRESSION: Final = CronExpression.parse("@daily")
_ANY_INSTANT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ANY_JOB: Final = JobId(UUID(int=0))


def configuration(
    settings: EndpointSettings, stored: Sequence[Header], conditions: Conditions, tried: Attempts
) -> Configuration | None:
    """
    Make every part that can be made, and of them the whole.

    What cannot be made is kept with the attempts; something else stands in for it, so that the rest
    is judged. None when the whole itself is at fault.
    """
    request = _request(settings, stored, tried)
    schedule = _schedule(settings, tried)
    guardrails = tried.attempt(
        RECURRING_ONLY, lambda: Guardrails(shortest=settings.min, longest=settings.max)
    )
    bounds = tried.attempt(("starts_at", "ends_at", "max_runs"), lambda: _bounds(settings))
    misfire = tried.attempt(_MISFIRE_MEMBERS, lambda: _misfire(settings))
    retry = tried.attempt(_RETRY_MEMBERS, lambda: _retry(settings))
    limits = tried.attempt(_LIMITS_MEMBERS, lambda: _limits(settings))
    rules = rule_set(settings, conditions, tried)
    planning = tried.attempt(("ai_mode", "ai_model"), lambda: _planning(settings))

    def whole() -> Configuration:
        return Configuration(
            name=settings.name,
            description=settings.description,
            request=request or _ANY_REQUEST,
            schedule=schedule or _ANY_SCHEDULE,
            guardrails=guardrails or Guardrails(),
            bounds=bounds or Bounds(),
            jitter=_or(settings.jitter, NO_TIME),
            misfire=misfire or _MISFIRE,
            retry=retry or _RETRY,
            delivery=_or(settings.delivery, Delivery.AT_LEAST_ONCE),
            limits=limits or _LIMITS,
            heeds=Heeds(hints=bool(settings.response_hints), gone=bool(settings.pause_when_gone)),
            signing=_or(settings.signing, Signing.WHEN_KEYED),
            rules=rules or NO_RULES,
            planning=planning or NO_PLANNING,
            success_when=settings.success_when,
        )

    return tried.attempt(("name", "description", "jitter"), lambda: _judged(whole()))


def _request(
    settings: EndpointSettings, stored: Sequence[Header], tried: Attempts
) -> HttpRequest | None:
    headers = _headers(settings, stored, tried)
    return tried.attempt(
        ("url", "method", "headers", "body"),
        lambda: HttpRequest(
            url=settings.url,
            method=_or(settings.method, Method.GET),
            headers=headers,
            body=settings.body,
        ),
    )


def _headers(
    settings: EndpointSettings, stored: Sequence[Header], tried: Attempts
) -> tuple[Header, ...]:
    standing = {each.name.lower(): each for each in stored}
    made = [
        tried.attempt(("headers",), partial(_header, each, standing.get(each.name.lower())))
        for each in settings.headers
    ]
    return tuple(each for each in made if each is not None)


def _header(given: HeaderSetting, stands: Header | None) -> Header:
    was_secret = stands is not None and stands.secret
    secret = was_secret if given.secret is None else given.secret
    if given.value != MASK:
        return Header(name=given.name, value=given.value, secret=secret)
    if stands is None or not stands.secret:
        raise InvalidInput(
            f"the value of {given.name} is the mask of one that is not known",
            field=f"headers.{given.name}",
            remedy="give the value itself",
        )
    # Whoever knows the mask alone does not get to read what is behind it.
    return Header(name=given.name, value=stands.value, secret=True)


def _schedule(settings: EndpointSettings, tried: Attempts) -> Schedule | None:
    """Try every schedule that is given; which of several is taken does not matter."""
    every, cron, at = settings.every, settings.cron, settings.at
    found: list[Schedule | None] = []
    if every is not None:
        found.append(tried.attempt(("every",), lambda: IntervalSchedule(every=every)))
    if cron is not None:
        expression = tried.attempt(("cron",), lambda: CronExpression.parse(cron))
        clock = expression or _ANY_EXPRESSION
        found.append(tried.attempt(CRON_ONLY, lambda: _by_clock(settings, clock)))
    if at is not None:
        found.append(tried.attempt(("at",), lambda: OnceSchedule(at=at)))
    return next((each for each in found if each is not None), None)


def _by_clock(settings: EndpointSettings, expression: CronExpression) -> CronSchedule:
    return CronSchedule(
        expression=expression,
        timezone=_or(settings.timezone, "UTC"),
        gap=settings.gap,
        repeat=settings.repeat,
    )


def _bounds(settings: EndpointSettings) -> Bounds:
    return Bounds(
        starts_at=settings.starts_at, ends_at=settings.ends_at, max_runs=settings.max_runs
    )


def _misfire(settings: EndpointSettings) -> Misfire:
    return Misfire(
        policy=_or(settings.misfire_policy, _MISFIRE.policy),
        grace=_or(settings.misfire_grace, _MISFIRE.grace),
        catch_up_limit=_or(settings.catch_up_limit, _MISFIRE.catch_up_limit),
    )


def _retry(settings: EndpointSettings) -> Retry:
    return Retry(
        attempts=_or(settings.retry_attempts, _RETRY.attempts),
        backoff=_or(settings.retry_backoff, _RETRY.backoff),
        backoff_most=_or(settings.retry_backoff_most, _RETRY.backoff_most),
    )


def _limits(settings: EndpointSettings) -> Limits:
    return Limits(
        timeout=_or(settings.timeout, _LIMITS.timeout),
        execution=settings.max_execution_time,
        response_size=_or(settings.max_response_size, _LIMITS.response_size),
        redirects=_or(settings.redirects, _LIMITS.redirects),
    )


def _planning(settings: EndpointSettings) -> Planning:
    return Planning(mode=_or(settings.ai_mode, AiMode.OFF), model=settings.ai_model)


def _or(given: _ValueT | None, default: _ValueT) -> _ValueT:
    return default if given is None else given


def _judged(meant: Configuration) -> Configuration:
    """Let the domain judge the parts together; any identity will do for that."""
    meant.created(tenant=DEFAULT_TENANT, job_id=_ANY_JOB, now=_ANY_INSTANT)
    return meant
